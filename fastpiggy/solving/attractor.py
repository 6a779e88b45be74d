"""The set-valued fixed point of the piggyback recursion, where several selections are allowed."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.compile import roles
from fastpiggy.problems import checks
from fastpiggy.problems import directions as named
from fastpiggy.problems.problem import Problem
from fastpiggy.solving import adjoint_of, solve
from fastpiggy.solving.linearisation import Linearisation, Movement

#: Coordinates on a kink, entries of x, and products of maps that are looked at.
_KINKS, _COORDINATES, _PRODUCTS = 10, 500, 4096


@dataclass(frozen=True, eq=False)
class Attractor:
    """The compact set D with ``D = {A J + B : [A, B] a selection, J in D}``, by points of it.

    Parameters
    ----------
    vertices : ndarray of shape (selections, p, ...)
        ``(I - A)^-1 B`` of each extreme selection: what implicit differentiation can return, and
        members of D.
    selections : ndarray of shape (selections, kinks)
        The q of each coordinate on a kink; for maps given as such the identity, one row a map.
    kinks : ndarray of int
        The coordinates on a kink; for maps their numbers.
    points : ndarray of shape (at most count, p, ...)
        Members of D: images of the vertices under all words of selections of one length.
    distance : float
        No member of D is farther than this from `points`, in Frobenius norm.
    rate : float
        A bound of the contraction for all products of selections, per step.
    """

    vertices: np.ndarray
    selections: np.ndarray
    kinks: np.ndarray
    points: np.ndarray
    distance: float
    rate: float

    @property
    def lower(self) -> np.ndarray:
        """Smallest of each entry over `points`.

        The convex hull of D holds the attractor of all convex combinations of the selections too.
        """
        return self.points.min(axis=0)

    @property
    def upper(self) -> np.ndarray:
        """Largest of each entry over `points`."""
        return self.points.max(axis=0)

    @property
    def largest_gap(self) -> np.ndarray:
        """Of each entry, the longest interval between values of `points` that holds none."""
        ordered = np.sort(self.points, axis=0)
        return np.diff(ordered, axis=0).max(axis=0, initial=0.0)

    def __repr__(self) -> str:
        return (
            f"<Attractor: {len(self.vertices)} selections, {len(self.points)} points within "
            f"{self.distance:.1e}, rate {self.rate:.3g}>"
        )


def attractor(maps: Any, wrt: Any = "alpha", *, count: int = 4096, tol: float = 1e-12) -> Attractor:
    """All that piggyback differentiation can tend to where the selection is not unique.

    Parameters
    ----------
    maps : Problem, or sequence of pairs (A, B)
        A problem whose penalty acts on coordinates, solved first: then the maps are those of
        forward-backward with step 1/L at the solution, one for each choice of a side at each kink.
        Or the maps ``J+ = A J + B`` themselves: A a number or of shape (p, p), B of shape (), (p,)
        or (p, m).
    wrt : str or dict of str to array_like, default="alpha"
        One parameter, or directions of it, as in :func:`fastpiggy.solve`; for problems.
    count : int, default=4096
        Points at the most.
    tol : float, default=1e-12
        Of the solve.

    Returns
    -------
    Attractor

    Raises
    ------
    ValueError
        If products of the maps do not contract, if more than 10 coordinates stand on a kink or x
        has more than 500 entries, or if an argument is not allowed.
    TypeError
        For another kind of problem.

    Notes
    -----
    The set J^pb of Bolte, Pauwels, Vaiter, 2206.00457, in which all limits of the recursion lie;
    it is the attractor of an iterated function system.  It holds more than `vertices`.  Which
    vertex is the derivative to one side, where several coordinates stand on a kink, is a
    complementarity problem: see :meth:`fastpiggy.Solution.one_sided`.

    Examples
    --------
    Two selections of one slope fill a segment, or leave the middle out, Cantor's set:

    >>> import fastpiggy as fp
    >>> for a in (1 / 2, 1 / 3):
    ...     found = fp.attractor([(a, 0.0), (a, 1.0)])
    ...     print(found.vertices, found.lower.round(3), found.upper.round(3))
    ...     print(found.largest_gap.round(3))
    [0. 2.] 0.0 2.0
    0.001
    [0.  1.5] 0.0 1.5
    0.5
    """
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise ValueError(f"count must be a positive integer, got {count!r}")
    if isinstance(maps, Problem):
        return _of_problem(maps, wrt, int(count), tol)
    if hasattr(maps, "family") or isinstance(maps, str) or not isinstance(maps, Sequence):
        raise TypeError(
            "maps must be a Problem with a penalty by coordinate or a sequence of pairs (A, B), "
            f"got {type(maps).__name__}"
        )
    As, Bs, shape = _checked(maps)
    k = len(As)
    return _found(As, Bs, shape, np.eye(k), np.arange(k), int(count))


def _checked(maps: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """The maps with A of shape (p, p), B of shape (p, m), and the shape of J."""
    if not len(maps):
        raise ValueError("maps must hold at least one pair (A, B), got none")
    As, Bs, shapes = [], [], set()
    for pair in maps:
        if len(pair) != 2:
            raise ValueError(f"maps must be pairs (A, B), got {len(pair)} parts")
        A, B = checks.array(pair[0], "A"), checks.array(pair[1], "B")
        p = B.shape[0] if B.ndim else 1
        if B.ndim > 2 or A.shape not in ((p, p), () if p == 1 else (p, p)):
            raise ValueError(f"A of shape {A.shape} and B of shape {B.shape} do not fit")
        if not (np.all(np.isfinite(A)) and np.all(np.isfinite(B))):
            raise ValueError("A and B must be finite")
        As.append(A.reshape(p, p))
        Bs.append(B.reshape(p, -1))
        shapes.add(B.shape)
    if len(shapes) > 1:
        raise ValueError(f"all B must have one shape, got {sorted(shapes)}")
    return np.array(As), np.array(Bs), shapes.pop()


def _of_problem(problem: Problem, wrt: Any, count: int, tol: float) -> Attractor:
    p = problem.shape[1]
    directions = named.parse(problem, wrt, p)
    if len(directions) != 1:
        raise ValueError(f"wrt must name one parameter, got {len(directions)}")
    if p > _COORDINATES:
        raise ValueError(f"x must have at most {_COORDINATES} entries, got {p}")
    if roles(problem.penalty)[0] != "CoordinatePenalty":
        raise TypeError(
            f"maps must be a problem whose penalty acts on coordinates, got one with a "
            f"{type(problem.penalty).__name__}; give the pairs (A, B) themselves"
        )
    with warnings.catch_warnings():
        # That x stands on a kink is why one asks.
        warnings.simplefilter("ignore", FastpiggyWarning)
        solution = solve(problem, tol=tol)
    adjoint: Any = solution.adjoint or adjoint_of(solution)
    point: Linearisation = adjoint.point
    kinks = point.selection.kinks
    if kinks.size > _KINKS:
        raise ValueError(f"at most {_KINKS} coordinates may stand on a kink, got {kinks.size}")
    selections = np.array(list(product((0.0, 1.0), repeat=kinks.size))).reshape(2**kinks.size, -1)
    As, Bs = zip(*(_map(point, kinks, q, directions) for q in selections), strict=True)
    found = _found(np.array(As), np.array(Bs), Bs[0].shape, selections, kinks, count)
    shape = (p, *directions[0].shape)
    return replace(
        found,
        vertices=found.vertices[:, :p].reshape(-1, *shape),
        points=found.points[:, :p].reshape(-1, *shape),
    )


def _map(
    point: Linearisation, kinks: np.ndarray, q: np.ndarray, directions: list[named.Direction]
) -> tuple[np.ndarray, np.ndarray]:
    """A and B of forward-backward with step 1/L, kinks on the sides q."""
    composite = point.binding.composite
    sides = composite.selection.copy()
    sides[kinks] = q
    binding = replace(point.binding, composite=composite._replace(selection=sides))
    n = point.x.size
    at = Linearisation(binding, point.x, np.full(n, 1.0 / binding.largest_curvature))
    move = at.movement(directions)
    still = Movement(np.zeros((n, n)), np.zeros((n, n)))
    return at.step(np.eye(n), still), at.step(np.zeros_like(move.C), move)


def _found(
    As: np.ndarray, Bs: np.ndarray, shape: tuple[int, ...], selections: np.ndarray,
    kinks: np.ndarray, count: int,
) -> Attractor:  # fmt: skip
    rate, constant = _contraction(As)
    vertices = np.linalg.solve(np.eye(As.shape[1]) - As, Bs)
    points, length = vertices, 0
    while len(As) > 1 and len(points) * len(As) <= count:
        points = np.concatenate([A @ points + B for A, B in zip(As, Bs, strict=True)])
        length += 1
    # From the first vertex the images reach no farther than this, and so does all of the set.
    reach = max(float(np.linalg.norm(A @ vertices[0] + B - vertices[0])) for A, B in zip(As, Bs))
    distance = constant * constant * reach / (1 - rate) * rate**length
    return Attractor(
        vertices.reshape(-1, *shape), selections, kinks, points.reshape(-1, *shape), distance, rate
    )


def _contraction(As: np.ndarray) -> tuple[float, float]:
    """``rate < 1`` and ``constant`` with ``norm(A_1 ... A_k) <= constant rate^k`` for all products.

    Products are made longer until all of one length shrink.
    """
    products, sizes = As, []
    while True:
        norms = np.linalg.norm(products, ord=2, axis=(1, 2))
        sizes.append(float(norms.max()))
        if sizes[-1] < 1.0:
            rate = sizes[-1] ** (1.0 / len(sizes))
            constant = max(
                1.0, *(size / max(rate, 1e-300) ** (i + 1) for i, size in enumerate(sizes))
            )
            return rate, constant
        radii = np.abs(np.linalg.eigvals(products)).max(axis=1)
        if radii.max() >= 1.0:
            raise ValueError(
                f"the maps must contract, but a product of {len(sizes)} of them has the spectral "
                f"radius {radii.max():.6g}: piggyback may diverge and there is no attractor"
            )
        if len(products) * len(As) > _PRODUCTS:
            raise ValueError(
                f"the maps must contract, but products of {len(sizes)} of them have norms up to "
                f"{sizes[-1]:.4g}: it cannot be told whether there is an attractor"
            )
        products = np.concatenate([A @ products for A in As])
