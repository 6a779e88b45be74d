"""The algorithms as a user names them, with their options."""

from dataclasses import dataclass
from typing import ClassVar

from fastpiggy.problems import checks


def _check_step(step: float | None) -> None:
    if step is not None:
        checks.number(step, "step", open_low=True)


def _check_momentum(momentum: float) -> None:
    if not checks.number(momentum, "momentum") < 1.0:
        raise ValueError(f"momentum must be in [0, 1), got {momentum}")


@dataclass(frozen=True)
class ForwardBackward:
    """Options of forward-backward splitting.

    Parameters
    ----------
    step : float, optional
        Below ``2/L`` and below the penalty's ``largest_step``; by default 1/L.
    """

    step: float | None = None

    def __post_init__(self) -> None:
        _check_step(self.step)


@dataclass(frozen=True)
class HeavyBall:
    """Options of heavy ball, ``x+ = prox(x - step grad f(x) + momentum (x - x_before))``.

    Its tangent may grow while the iterates converge, see :func:`fastpiggy.certify_momentum`; the
    status is ``"not_contracting"`` then.

    Parameters
    ----------
    step : float, optional
        Below ``2 (1 + momentum)/L``, where a quadratic's iterates stop converging, and below the
        penalty's ``largest_step``; by default ``min(1, 1.9 (1 - momentum))/L``, with which those of
        every convex problem converge.
    momentum : float, default=0.5
        In [0, 1).
    """

    step: float | None = None
    momentum: float = 0.5

    def __post_init__(self) -> None:
        _check_step(self.step)
        _check_momentum(self.momentum)


@dataclass(frozen=True)
class Nesterov:
    """Options of Nesterov's method with a constant momentum: the gradient is taken ahead.

    Parameters
    ----------
    step : float, optional
        Below ``2 (1 + momentum)/(1 + 2 momentum)/L``, where a quadratic's iterates stop converging,
        and below the penalty's ``largest_step``; by default 1/L.
    momentum : float, default=0.5
        In [0, 1); ``(1 - sqrt(q))/(1 + sqrt(q))`` with ``q = mu/L`` is best where f is
        mu-strongly convex.
    """

    step: float | None = None
    momentum: float = 0.5

    def __post_init__(self) -> None:
        _check_step(self.step)
        _check_momentum(self.momentum)


@dataclass(frozen=True)
class FISTA:
    """Options of FISTA, Nesterov's method with a momentum that grows towards 1.

    Parameters
    ----------
    step : float, optional
        Below ``4/(3 L)``, where a quadratic's iterates stop converging, and below the penalty's
        ``largest_step``; by default 1/L.
    restart : bool, default=True
        Start the momentum again where a step turns against it.
    """

    step: float | None = None
    restart: bool = True

    def __post_init__(self) -> None:
        _check_step(self.step)
        if not isinstance(self.restart, bool):
            raise TypeError(f"restart must be True or False, got {self.restart!r}")


@dataclass(frozen=True)
class CoordinateDescent:
    """Options of coordinate descent.

    Parameters
    ----------
    order : {"cyclic", "random"}, default="cyclic"
        Random draws a new order for each sweep over all coordinates.
    inner : int, default=0
        Sweeps over the nonzero coordinates after each sweep over all.
    seed : int, default=1
        Of the random order; positive.
    """

    order: str = "cyclic"
    inner: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.order not in ("cyclic", "random"):
            raise ValueError(f'order must be "cyclic" or "random", got {self.order!r}')
        if not isinstance(self.inner, int) or self.inner < 0:
            raise ValueError(f"inner must be an integer >= 0, got {self.inner!r}")
        if not isinstance(self.seed, int) or self.seed <= 0:
            raise ValueError(f"seed must be a positive integer, got {self.seed!r}")


@dataclass(frozen=True)
class BlockDescent:
    """Options of block coordinate descent: none."""


@dataclass(frozen=True)
class ActiveSet:
    """Options of the parametric active set: none."""

    #: Without iterations that a derivative could run along with.
    direct: ClassVar[bool] = True


@dataclass(frozen=True)
class ADMM:
    """Options of the alternating direction method of multipliers.

    Parameters
    ----------
    penalty_parameter : float, optional
        rho, in units of the sample weights; by default it grows with the distance that alpha lets
        knots have.
    """

    penalty_parameter: float | None = None

    def __post_init__(self) -> None:
        if self.penalty_parameter is not None:
            checks.number(self.penalty_parameter, "penalty_parameter", open_low=True)


@dataclass(frozen=True)
class DouglasRachford:
    """Options of Douglas-Rachford splitting.

    Parameters
    ----------
    step : float, optional
        Positive; by default the square of a mean precision.
    relaxation : float, default=1.0
        In (0, 2).
    """

    step: float | None = None
    relaxation: float = 1.0

    def __post_init__(self) -> None:
        if self.step is not None:
            checks.number(self.step, "step", open_low=True)
        found = checks.number(self.relaxation, "relaxation", open_low=True)
        if not found < 2.0:
            raise ValueError(f"relaxation must lie in (0, 2), got {self.relaxation}")


@dataclass(frozen=True)
class PeacemanRachford:
    """Options of Peaceman-Rachford splitting.

    Parameters
    ----------
    step : float, optional
        Positive; by default about 2/L, L the norm of I - W.
    """

    step: float | None = None

    def __post_init__(self) -> None:
        _check_step(self.step)


@dataclass(frozen=True)
class Newton:
    """Options of Newton's method on the support: none.  It ends at the solution."""

    #: Without a map that a derivative could run along with.
    direct: ClassVar[bool] = True


@dataclass(frozen=True)
class DynamicProgramming:
    """Options of the linear-time route for total variation: none.  It ends at the solution.

    The taut string, and dynamic programming where that looks at points too often.
    """

    #: Without iterations that a derivative could run along with.
    direct: ClassVar[bool] = True


BY_NAME = {
    "forward_backward": ForwardBackward,
    "heavy_ball": HeavyBall,
    "nesterov": Nesterov,
    "fista": FISTA,
    "coordinate_descent": CoordinateDescent,
    "block_descent": BlockDescent,
    "active_set": ActiveSet,
}

DERIVATIVES = ("auto", "piggyback", "late", "frozen", "implicit", "one_step", "none")
