"""Problems: a loss, a penalty and a design bound together, with their parameters by name."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from fastpiggy.compile import roles
from fastpiggy.designs import matrix
from fastpiggy.problems import blocks, checks

_KEPT_LOSSES = 64


@dataclass(frozen=True, eq=False)
class Problem:
    """``loss(X x + b) + penalty(x)``: anything that the blocks allow, the user's own included.

    Parameters
    ----------
    loss : Loss
        Holds the targets and the sample weights: a record of the role
        :class:`~fastpiggy.losses.Loss`.
    penalty : Penalty
        A record of the role :class:`~fastpiggy.penalties.Penalty`.
    design : array_like or sparse of shape (n, p), or Design
        The matrix X.
    fit_intercept : bool, default=False
        Add an unpenalised b.
    total_weight : float, optional
        Where the loss holds normalised sample weights, the sum of the raw ones; derivatives with
        respect to ``sample_weight`` are then those of the raw ones.
    classes : ndarray, optional
        The two labels of a classification problem, the second one +1.

    Raises
    ------
    TypeError
        If a block does not follow its protocol, or X holds no numbers.
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.eye(3), np.array([3.0, 0.5, -2.0])
    >>> loss = fp.losses.LeastSquares(y, np.full(3, 1 / 3))
    >>> problem = fp.Problem(loss, fp.penalties.L1(0.5, np.ones(3)), X)
    >>> fp.solve(problem).x
    array([ 1.5,  0. , -0.5])
    """

    loss: Any
    penalty: Any
    design: Any
    fit_intercept: bool = False
    total_weight: float | None = None
    classes: np.ndarray | None = None
    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "composite"
    #: Rows and columns of X.
    shape: tuple[int, int] = field(init=False, repr=False)
    # What is computed once for a matrix and shared by all problems on it.
    shared: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        kept = self.shared.get("checked design") is self.design
        if not kept and "Design" not in roles(self.design):
            X = checks.matrix(self.design, "design")
            design = matrix.as_design(X)
            with np.errstate(invalid="ignore", over="ignore"):
                checks.finite(X, matrix.scatter(design, np.ones(X.shape[0])), "design")
            object.__setattr__(self, "design", design)
        object.__setattr__(self, "shape", matrix.shape(self.design))
        for name, role in (("loss", "Loss"), ("penalty", "Penalty")):
            block = getattr(self, name)
            # What `replace` keeps is not looked at again.
            if self.shared.get(f"checked {name}") is not block or block is None:
                block = blocks.check(block, name, role, *self.shape)
                object.__setattr__(self, name, block)
                self.shared[f"checked {name}"] = block

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to, but X."""
        found = {}
        for block in (self.penalty, self.loss):
            held = getattr(block, "held", ())
            for name, value in zip(block._fields, block, strict=True):
                if name not in held and _is_real(value):
                    found[name] = value
        if self.total_weight is not None:
            found["sample_weight"] = found["sample_weight"] * self.total_weight
        return found

    def shape_of(self, name: Any) -> tuple[int, ...] | None:
        """The shape of one of the :attr:`parameters`; None where none has that name."""
        for block in (self.loss, self.penalty):
            if name in block._fields and name not in getattr(block, "held", ()):
                value = getattr(block, name)
                if _is_real(value):
                    return () if type(value) is float else np.shape(value)
        return None

    def block_of(self, name: str) -> str:
        """Which block holds a parameter: ``"penalty"`` or ``"loss"``."""
        return "penalty" if name in self.penalty._fields else "loss"

    def replace(self, **changes: Any) -> "Problem":
        """The same problem with other values of some parameters.

        Parameters
        ----------
        **changes
            Values by parameter name.

        Returns
        -------
        Problem
            Shares X, and all that was computed from it, with this one.

        Raises
        ------
        ValueError
            For a name that is no parameter, or a value that is not allowed.
        """
        checks.parameters(changes, self.parameters)
        new = self
        for name, value in changes.items():
            new = new._with(name, value)
        return new

    def _with(self, name: str, value: Any) -> "Problem":
        current = self.parameters
        if name == "sample_weight" and self.total_weight is not None:
            normalised, total = checks.sample_weight(value, self.shape[0])
            loss = self.loss._replace(sample_weight=normalised)
            return replace(self, loss=loss, total_weight=total)
        old, which = current[name], self.block_of(name)
        if isinstance(old, np.ndarray):
            value = np.array(checks.array(value, name), dtype=float)
            if old.ndim == 1 and value.shape == (old.size, 1):
                value = value[:, 0]
            if value.shape != old.shape:
                raise ValueError(f"{name} must have shape {old.shape}, got {value.shape}")
        # Its range is checked with the new problem.
        return replace(self, **{which: getattr(self, which)._replace(**{name: value})})

    def alpha_max(self) -> float:
        """The smallest alpha at which every penalised coefficient is zero.

        The intercept and the unpenalised columns are fitted first (for the elastic net it is
        divided by l1_ratio).

        Raises
        ------
        ValueError
            Where no alpha does that: ridge, l1_ratio = 0, box, a penalty without ``alpha_max``.
        """
        from fastpiggy.problems.null_model import alpha_max

        return alpha_max(self)

    def once(self, key: str, make: Any) -> Any:
        """A value computed once for X and shared by every problem that :meth:`replace` makes."""
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]

    def once_for_loss(self, key: str, make: Any) -> Any:
        """A value computed once for X and the loss, kept for the latest losses on this X."""
        entry = self.shared.get(f"{key} by loss", {}).get(id(self.loss))
        if entry is not None:
            return entry[1]
        value = make()
        keep(self.shared, key, self.loss, value)
        return value

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "shared": {}}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        n, p = self.shape
        scalars = ", ".join(
            f"{k}={v:.4g}" for k, v in self.parameters.items() if not isinstance(v, np.ndarray)
        )
        storage = type(self.design).__name__
        return (
            f"<Problem {type(self.loss).__name__} + {type(self.penalty).__name__}({scalars}), "
            f"X {n} x {p} ({storage}), intercept {'yes' if self.fit_intercept else 'no'}>"
        )


def keep(shared: dict[str, Any], key: str, loss: Any, value: Any) -> None:
    """Put a value where :meth:`Problem.once_for_loss` finds it."""
    kept = shared.setdefault(f"{key} by loss", OrderedDict())
    # The entry holds the loss itself, so that its identity cannot be taken by another.
    kept[id(loss)] = (loss, value)
    if len(kept) > _KEPT_LOSSES:
        kept.popitem(last=False)


def _is_real(value: Any) -> bool:
    if type(value) is float:
        return True
    if isinstance(value, np.ndarray):
        return value.dtype == np.float64
    return isinstance(value, Real) and not isinstance(value, bool | int)
