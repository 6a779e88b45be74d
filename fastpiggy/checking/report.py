"""What a check of derivatives found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.certificate import Status


@dataclass(frozen=True, eq=False)
class ParameterCheck:
    """A derivative beside central differences.

    Parameters
    ----------
    name : str
    error : float
        Norm of their difference over the larger norm, of the worst direction.
    changed : float
        Share of coordinates (and rows, where the loss has kinks) that do not stay on the same side
        of their kink between the ends of the best step; 0 unless the parameter stands on a kink.
    noise : float
        How well the differences themselves are known: what two steps disagree by, relative.
    step : float
        The shortest step that was taken.
    derivative, difference : float or ndarray
        For a problem of the shape of x, a fitted intercept last; for a criterion a number; one
        column a direction where there are several.
    ok : bool
        No coordinate changed side, and the error is within the tolerance.
    """

    name: str
    error: float
    changed: float
    noise: float
    step: float
    derivative: Any
    difference: Any
    ok: bool

    @property
    def verdict(self) -> str:
        """``"ok"``, or what is wrong, in words."""
        if self.ok:
            return "ok"
        if self.changed:
            return "no step keeps the active set: on a kink, or too near one"
        if self.error <= 10 * self.noise:
            return "the differences themselves are not known well enough"
        return "derivative and difference differ"

    def __repr__(self) -> str:
        both = " and ".join(map(_short, (self.derivative, self.difference)))
        return (
            f"{self.name}: {self.verdict}; error {self.error:.1e}, changed {self.changed:.1%}, "
            f"step {self.step:.1e}, {both}"
        )


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """Derivatives beside central differences, by parameter: ``check["alpha"]``.

    Parameters
    ----------
    status : Status or str
        Of the solve whose derivative was checked; of a criterion the first that is not converged.
    parameters : dict of str to ParameterCheck
    """

    status: Status | str
    parameters: dict[str, ParameterCheck]

    @property
    def ok(self) -> bool:
        """Whether all parameters are."""
        return all(found.ok for found in self.parameters.values())

    @property
    def error(self) -> float:
        """The largest error."""
        return max((found.error for found in self.parameters.values()), default=0.0)

    def __getitem__(self, name: str) -> ParameterCheck:
        return self.parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parameters)

    def __repr__(self) -> str:
        lines = [f"<GradientCheck {'ok' if self.ok else 'NOT OK'}, status {self.status}"]
        return "\n  ".join([*lines, *map(repr, self.parameters.values())]) + ">"


def _short(value: Any) -> str:
    return f"norm {np.linalg.norm(value):.6g}" if np.ndim(value) else f"{value:.10g}"
