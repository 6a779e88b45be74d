"""What a trend filter and a generalized Lasso share as problems."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.problems.fit_statistics import FitStatistics


class Signal:
    """``sum_i sample_weight_i (x_i - y_i)^2 / 2 + alpha norm1(D x)``: the face of a dataclass with
    the fields ``y``, ``alpha``, ``sample_weight`` and ``_shared``.
    """

    y: np.ndarray
    alpha: float
    sample_weight: np.ndarray
    rows: Any
    #: What belongs to y and the weights, shared by the problems that differ in alpha.
    _shared: dict[str, Any]
    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "structured"

    @property
    def shape(self) -> tuple[int]:
        """``(n,)``."""
        return self.y.shape  # type: ignore[return-value]

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to."""
        return {"alpha": self.alpha, "y": self.y, "sample_weight": self.sample_weight}

    @property
    def null_model(self) -> Any:
        """The solution with ``D x = 0``, that at every alpha from ``alpha_max()`` on."""
        if "null" not in self._shared:
            self._shared["null"] = self._make_null_model()
        return self._shared["null"]

    @property
    def heaviest(self) -> float:
        """The largest weight."""
        if "heaviest" not in self._shared:
            self._shared["heaviest"] = float(self.sample_weight.max())
        return self._shared["heaviest"]  # type: ignore[no-any-return]

    def _make_null_model(self) -> Any:
        raise NotImplementedError

    def _checked_weights(self, value: Any) -> np.ndarray:
        raise NotImplementedError

    def replace(self, **changes: Any) -> Any:
        """The same problem with other values of some parameters.

        Parameters
        ----------
        **changes
            ``alpha``, ``y`` (of the same length), ``sample_weight``.

        Returns
        -------
        problem
            Of the same class.

        Raises
        ------
        ValueError
            For a name that is no parameter, or a value that is not allowed.
        """
        checks.parameters(changes, self.parameters)
        new: dict[str, Any] = {}
        for name, value in changes.items():
            if name == "alpha":
                new[name] = checks.number(value, name)
            elif name == "y":
                new[name] = np.array(checks.vector(value, name, self.y.size, "point"))
            else:
                new[name] = self._checked_weights(value)
        shared = self._shared if set(new) <= {"alpha"} else {}
        return replace(self, **new, _shared=shared)  # type: ignore[type-var]

    def fit_statistics(self, solution: Any, names: tuple[str, ...]) -> FitStatistics:
        """What SURE, GCV and the information criteria ask; the degrees of freedom stay but for
        jumps where the active set changes.

        Raises
        ------
        ValueError
            For a name other than ``"alpha"``.
        """
        if not set(names) <= {"alpha"}:
            raise ValueError(f"criteria of the fit have a slope in 'alpha' here, got {names!r}")
        w, away = self.sample_weight, self.y - solution.x
        n = int(np.count_nonzero(w))
        w = n * w / w.sum()
        J = solution.jacobian
        return FitStatistics(
            float(w @ away**2), solution.degrees_of_freedom, n, self.rows, True, True,
            {name: -2.0 * float((w * away) @ J[name]) for name in names},
            dict.fromkeys(names, 0.0),
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_shared": {}}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)


def checked_signal(y: Any) -> np.ndarray:
    """A copy of y as a finite vector; columns are taken for vectors."""
    found = checks.array(y, "y")
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        return found
    return np.array(checks.vector(found, "y", found.size, "point"))
