"""The one-dimensional function on which heavy ball converges and its derivative need not."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.structured.fixed_point.problem import FixedPoint, fixed_point

TIES = ("alternating", "strict", "nonstrict")


@dataclass(frozen=True)
class _Program:
    """Heavy ball with a momentum and a rule at the kink; k counts the iterations."""

    b: float
    ties: str

    def step(self, x: Any, theta: Any, k: int) -> np.ndarray:
        slope = x[0] if x[0] >= 0 else x[0] / 4
        return np.array([x[0] - slope + self.b * (x[0] - x[1]), x[0]])

    def step_tangent(self, x: Any, theta: Any, dx: Any, dtheta: Any, k: int) -> np.ndarray:
        strict = self.ties == "strict" or (self.ties == "alternating" and k % 4 < 2)
        bend = 1.0 if x[0] > 0 or (x[0] == 0 and not strict) else 0.25
        return np.array([dx[0] - bend * dx[0] + self.b * (dx[0] - dx[1]), dx[0]])


def heavy_ball_counterexample(
    start: float = 0.0, ties: str = "alternating", momentum: float = 0.75
) -> FixedPoint:
    """Heavy ball with step 1 on ``x^2/2`` for x >= 0, ``x^2/8`` for x < 0, as a map.

    The state is ``(x, x_before)``, and what to differentiate with respect to is where both start:
    ``wrt={"x0": [1.0, 1.0]}``.  The function is 1/4-strongly convex with a 1-Lipschitz slope, its
    minimum is at 0, and the iterates converge linearly from everywhere.  The derivative of the
    minimum along the start is 0.  At 0 both 1 and 1/4 are slopes of the slope, and programs of the
    same function differ in which one they take there.  ``M_s = [[1 - s + b, -b], [1, 0]]`` has a
    spectral radius below 1 for either; ``M_1 M_1 M_1/4 M_1/4`` has the eigenvalue -9/8 at b = 3/4.

    Parameters
    ----------
    start : float, default=0.0
        ``x_0`` and the iterate before it; 0 is the kink.
    ties : {"alternating", "strict", "nonstrict"}, default="alternating"
        The branch of the program: slope 1 where ``x > 0`` (strict) or ``x >= 0`` (nonstrict), else
        1/4; alternating takes the strict one on two steps of four, then the other.
    momentum : float, default=0.75
        b; 0 is gradient descent.

    Returns
    -------
    FixedPoint

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed.

    Notes
    -----
    Bolte, Pauwels, Vaiter, "Automatic differentiation of nonsmooth iterative algorithms",
    2206.00457, the section on inertial methods.

    Examples
    --------
    >>> import warnings
    >>> import fastpiggy as fp
    >>> problem = fp.heavy_ball_counterexample()
    >>> with warnings.catch_warnings(action="ignore"):  # says "not_contracting"
    ...     sol = fp.solve(problem, wrt={"x0": [1.0, 1.0]}, derivative="piggyback", max_iter=400)
    >>> sol.x, f"{abs(sol.jacobian['x0'][0]):.4g}"
    (array([0., 0.]), '3.26e+04')
    >>> str(sol.certificate.status), round(sol.certificate.growth.factor, 5)  # (9/8)^(1/4)
    ('not_contracting', 1.02988)
    """
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(map(repr, TIES))}, got {ties!r}")
    b = checks.number(momentum, "momentum")
    if not b < 1.0:
        raise ValueError(f"momentum must be in [0, 1), got {momentum}")
    x0 = np.full(2, checks.number(start, "start", low=-np.inf))
    program = _Program(b, ties)
    return fixed_point(program.step, x0, {}, step_tangent=program.step_tangent)
