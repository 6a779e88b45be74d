"""One-sided derivatives: a small complementarity problem on the kinks.

Along theta + h dtheta the solution moves as ``x + h d + o(h)``, and d solves the fixed point
equation with every prox replaced by its directional derivative: off kinks ``d = a du + C``, at a
kink the piece on the side that the argument moves to,

    d = D + sigma (a_on z - a_off w),    du = kappa + sigma (z - w),    z, w >= 0,    z w = 0,

where (kappa, D) is how the kink itself moves and sigma its active side.  With the coordinates off
kinks eliminated (a Schur complement on the active set) what is left is ``M z + q = N w``, one row a
kink: the first step of the homotopy (Osborne, Presnell, Turlach 2000; Efron et al. 2004), for any
number of coordinates that come or go at once.  On a positive definite system the problem has one
solution.  The left derivative is minus the one along -dtheta.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import prox
from fastpiggy.penalties import Box
from fastpiggy.problems import directions as wrt
from fastpiggy.solving.active import NEAR
from fastpiggy.solving.complementarity import complementary
from fastpiggy.solving.composite import LARGEST_WHOLE
from fastpiggy.solving.factor import LARGEST, Factor
from fastpiggy.solving.linearisation import NONE, Linearisation, bent_rows
from fastpiggy.solving.newton import SETTLED, polished

#: Slopes that differ by more are those of two sides of a kink.
_BEND = 1e-3

_DEPENDENT = (
    "singular_active_set: columns of the equicorrelation set (active, or on a kink) are linearly "
    "dependent, so that the solution need not be unique and no one-sided derivative is determined; "
    "remove duplicates or add a little squared l2 penalty (elastic_net)"
)


@dataclass(frozen=True, eq=False)
class OneSided:
    """The left and the right derivative of a solution, see :meth:`fastpiggy.Solution.one_sided`.

    Parameters
    ----------
    left, right : dict of str to ndarray
        Shaped as ``solution.jacobian[name]``.  NaN where the parameter leaves its range on that
        side, as to the left of alpha = 0.
    left_intercept, right_intercept : dict of str to ndarray
        The same of the intercept, shaped as ``solution.intercept_jacobian[name]``.
    kinks : ndarray of int
        Coordinates that stand on a kink (rows of D for trend filters, places in h for quadratic
        programs); without any, the left and
        the right derivative are one.
    """

    left: dict[str, np.ndarray]
    right: dict[str, np.ndarray]
    left_intercept: dict[str, np.ndarray]
    right_intercept: dict[str, np.ndarray]
    kinks: np.ndarray

    def __repr__(self) -> str:
        names = ", ".join(map(repr, self.right))
        return f"<OneSided with respect to {names}, {self.kinks.size} kinks>"


def one_sided(problem: Any, point: Any, along: Any, tolerance: float) -> OneSided:
    """Both derivatives at a linearised solution.

    Parameters
    ----------
    problem : problem
    point : Linearisation or Projection
    along : str, iterable of str, or dict of str to array_like
        As ``wrt`` of :func:`fastpiggy.solve`.
    tolerance : float
        The optimality that makes x a solution.
    """
    directions = _directions(problem, along)
    shape = point.x.shape
    if isinstance(point, Linearisation):
        _check_whole(point.binding)
        point = polished(point)
        _check_solution(point, tolerance)
        kinks, outward = _kinks(point), point.binding.outward
        shape = problem.shape[1:]
        move_by = _composite(point, directions, kinks)
    elif hasattr(point, "by_side"):
        kinks, outward = point.kinks, lambda J: (J, np.zeros(J.shape[1]))
        _check_solution(point, tolerance)
        move_by = point.by_side(directions)
    else:
        raise ValueError(
            f"one_sided is not offered for {type(problem).__name__}, whose directional derivative "
            "is no small complementarity problem; at a kink, solve with selection=0.0 and 1.0 for "
            "two elements of the generalised Jacobian"
        )
    move = point.movement(directions)
    found = []
    for side in (-1.0, 1.0):
        J = side * move_by(move, side)
        J[:, _leaves_its_range(problem, directions, side)] = np.nan
        x, b = outward(J + 0.0)
        found.append(wrt.split(x, directions, shape))
        found.append({k: v[0] for k, v in wrt.split(np.atleast_2d(b), directions).items()})
    left, left_intercept, right, right_intercept = found
    return OneSided(left, right, left_intercept, right_intercept, kinks)


def _size(problem: Any) -> int:
    return problem.shape[1] if hasattr(problem, "design") else int(np.prod(problem.shape))


def _check_solution(point: Any, tolerance: float) -> None:
    if not point.optimality <= max(tolerance, point.floor):
        raise ValueError(
            f"one_sided needs a solution, and the optimality of this x is {point.optimality:.2e} "
            f"(tolerance {tolerance:.0e}); solve again with a larger max_iter"
        )


def _directions(problem: Any, along: Any) -> list[wrt.Direction]:
    directions = wrt.parse(problem, along, _size(problem))
    bad = [d.name for d in directions if d.name in ("x0", "step")]
    if bad or not directions:
        names = ", ".join(map(repr, problem.parameters))
        raise ValueError(
            f"wrt must name parameters of the problem ({names}), got {bad[0] if bad else along!r}"
        )
    return directions


def _leaves_its_range(problem: Any, directions: list[wrt.Direction], side: float) -> np.ndarray:
    """Directions along which a parameter stops being allowed at once: the problem's checks tell."""
    found = []
    for d in directions:
        value = problem.parameters.get(d.name)
        signs = side * np.sign(d.values)
        if value is None or all(_allowed(problem, d.name, value, s) for s in (-1.0, 1.0)):
            found += [False] * len(signs)
        else:
            found += [not _allowed(problem, d.name, value, sign) for sign in signs]
    return np.array(found, dtype=bool)


def _allowed(problem: Any, name: str, value: Any, sign: np.ndarray | float) -> bool:
    """Whether the next numbers in a direction are values of the parameter."""
    towards = np.where(sign == 0, value, np.copysign(np.inf, sign))
    moved = np.nextafter(value, towards)
    try:
        problem.replace(**{name: float(moved) if np.ndim(value) == 0 else moved})
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class _Bends:
    """The two sides of the prox at each kink; C along m directions."""

    at: np.ndarray
    sigma: np.ndarray  # (k,)
    off: np.ndarray  # (k,) slope a on the inactive side
    on: np.ndarray
    C_off: np.ndarray  # (k, m)
    C_on: np.ndarray


def _away(point: Linearisation) -> np.ndarray:
    """How near to a kink counts as on it: as for the selection, and what rounding leaves of u."""
    rounding = SETTLED * point.rounding * point.steps
    return NEAR * np.abs(point.u) + 2.0 * np.abs(point.selection.z - point.x) + rounding


def _kinks(point: Linearisation) -> np.ndarray:
    if point.binding.kind != "CoordinatePenalty":
        return point.selection.kinks
    (low, _), (high, _) = _sides(point, NONE, _away(point))
    return np.flatnonzero(np.abs(high - low) > _BEND)


def _composite(point: Linearisation, directions: list[wrt.Direction], kinks: np.ndarray) -> Any:
    """The function of a movement and a side that gives d, in the kernels' coordinates."""
    binding = point.binding
    _check_loss(point)
    if binding.kind == "CoordinatePenalty":
        _check_fixed(binding, directions)
        _check_opening(point, directions)
    elif kinks.size:
        raise ValueError(
            f"one_sided at a kink needs a penalty by coordinate (such as L1, ElasticNet, Box, "
            f"your own), and {type(binding.composite.penalty).__name__} couples "
            f"coordinates of which {_few(kinks)} stand on a kink; off kinks it takes any: move the "
            "parameter a little"
        )
    if not kinks.size:
        if point.factor.singular:
            raise np.linalg.LinAlgError(_DEPENDENT)
        return lambda move, side: point.solve(move) * side
    system = _System(point, _bends(point, directions, kinks))
    return system.derivative


def _few(indices: np.ndarray) -> str:
    return ", ".join(map(str, indices[:5])) + (", ..." if indices.size > 5 else "")


def _check_whole(binding: Any) -> None:
    if binding.kind == "Penalty" and binding.penalised > LARGEST_WHOLE:
        raise ValueError(
            f"one_sided forms the dense Jacobian of a whole-vector prox, for at most "
            f"{LARGEST_WHOLE} coordinates; this problem has {binding.penalised}"
        )


def _check_loss(point: Linearisation) -> None:
    # Also of rows that only columns on a kink touch: those may enter.
    bent = bent_rows(point.binding, point.states)
    if bent.size:
        loss = type(point.binding.composite.loss).__name__
        raise ValueError(
            f"one_sided needs a loss with one curvature at the solution, and rows "
            f"{_few(bent)} stand on a kink of {loss}; move y or the loss's parameter a little"
        )


def _check_fixed(binding: Any, directions: list[wrt.Direction]) -> None:
    penalty = binding.composite.penalty
    if not isinstance(penalty, Box):
        return
    for d in directions:
        if d.name in ("lower", "upper"):
            moved = np.flatnonzero((penalty.lower == penalty.upper) & np.any(d.values, axis=0))
            if moved.size:
                raise ValueError(
                    f"one_sided({d.name!r}) needs lower < upper, and they are equal at "
                    f"{_few(moved)}; leave these out of the directions"
                )


def _sides(
    point: Linearisation, directions: list[wrt.Direction], away: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Slopes (p,) and parameter parts (p, m) of the prox at ``u - away`` and at ``u + away``."""
    binding, m = point.binding, wrt.count(directions)
    d = wrt.as_records(binding.problem, directions, 1).penalty
    found = []
    for u in (point.u - away, point.u + away):
        du = np.zeros((1 + m, u.size))
        du[0] = 1.0
        z, dz = u.copy(), du.copy()
        prox(
            binding.composite.penalty, u[: binding.penalised], point.steps, z, du, dz, d, 1 + m,
            binding.composite.selection,
        )  # fmt: skip
        found.append((dz[0], dz[1:].T))
    return found[0], found[1]


def _check_opening(point: Linearisation, directions: list[wrt.Direction]) -> None:
    """A threshold of zero that grows makes two kinks out of none where the coefficient is zero."""
    here, near, far = (_sides(point, directions, s * _away(point)) for s in (0.0, 1.0, 10.0))
    slopes = np.stack([here[0][0], near[0][0], near[1][0], far[0][0], far[1][0]])
    straight = np.ptp(slopes, axis=0) < _BEND
    jump, wide = np.abs(near[1][1] - near[0][1]), np.abs(far[1][1] - far[0][1])
    size = np.abs(near[0][1]) + np.abs(near[1][1])
    # A jump is as high seen from afar; what varies smoothly is ten times as high.
    opens = straight[:, None] & (jump > 0.5 * wide) & (jump > 1e-9 * size)
    at = np.flatnonzero(opens.any(axis=1))
    if at.size:
        raise ValueError(
            f"one_sided does not cover coefficients of zero whose threshold is zero and moves "
            f"({_few(at)}): leave them out of the directions, or move alpha or the weights away "
            "from 0"
        )


def _bends(point: Linearisation, directions: list[wrt.Direction], kinks: np.ndarray) -> _Bends:
    """The sides of the kinks as the selection sees them."""
    near, far = (_sides(point, directions, scale * _away(point)) for scale in (1.0, 2.0))
    a = [near[i][0][kinks] for i in (0, 1)]
    # The parameter part of a squared l2 penalty is linear in z: back to the kink itself.
    C = [(2.0 * near[i][1] - far[i][1])[kinks] for i in (0, 1)]
    up = a[1] > a[0]
    sigma = np.where(up, 1.0, -1.0)
    columns = up[:, None]
    return _Bends(
        kinks, sigma, np.where(up, a[0], a[1]), np.where(up, a[1], a[0]),
        np.where(columns, C[0], C[1]), np.where(columns, C[1], C[0]),
    )  # fmt: skip


class _System:
    """The complementarity problem at a point, for any movement."""

    def __init__(self, point: Linearisation, bends: _Bends) -> None:
        self.point, self.bends = point, bends
        slopes = point.selection.slopes[0][1].copy()
        slopes[bends.at] = 0.0
        self.S = np.flatnonzero(slopes)
        slopes[bends.at] = bends.on
        members, s = np.concatenate([self.S, bends.at]), self.S.size
        if members.size > LARGEST:
            raise ValueError(
                f"one_sided at a kink factors the equicorrelation set, for at most {LARGEST} "
                f"coordinates; this one has {members.size}"
            )
        curb = (1.0 / slopes[members] - 1.0) / point.steps[members]
        whole = Factor.of(point.binding.design, members, None, point.curvatures, curb, False)
        # With all kinks active: of all sides the one with the least curvature.
        if not whole.least_eigenvalue > 0:
            raise np.linalg.LinAlgError(_DEPENDENT)
        K, T = whole.K, point.steps[bends.at]
        self.SS = Factor.of_matrix(K[:s, :s])
        self.cross = K[s:, :s]
        self.W = self.SS.solve(K[:s, s:])
        schur = K[s:, s:] - self.cross @ self.W
        schur = 0.5 * (schur + schur.T)
        self.loss_part = schur - np.diag(curb[s:])
        # In units in which the prox has step 1.
        self.root, signs = np.sqrt(T), np.outer(bends.sigma, bends.sigma)
        scale = np.outer(self.root, self.root) * signs
        self.M = schur * scale
        off = bends.off
        self.N = self.loss_part * scale * off + np.diag(1.0 - off) if off.any() else None

    def derivative(self, move: Any, side: float) -> np.ndarray:
        """d along ``side`` times the movement, of shape (p, m)."""
        point, b, S = self.point, self.bends, self.S
        C, r, C_off, C_on = (side * part for part in (move.C, move.r, b.C_off, b.C_on))
        C[b.at] = 0.0
        if C.any():
            r = r + point.times_hessian(C)
        T = point.steps[:, None]
        y = self.SS.solve(C[S] / T[S] - r[S])
        kappa = (C_off - C_on) / (b.on - b.off)[:, None]
        D = b.off[:, None] * kappa + C_off
        q = r[b.at] + self.cross @ y + self.loss_part @ D + (kappa - D) / T[b.at]
        q *= (b.sigma * self.root)[:, None]
        v = np.column_stack([complementary(self.M, self.N, column) for column in q.T])
        moved = np.maximum(v, 0.0) + b.off[:, None] * np.minimum(v, 0.0)
        D += (b.sigma * self.root)[:, None] * moved
        C[S] += y - self.W @ D
        C[b.at] = D
        return C
