"""Products of cones, in the order that conic solvers have them."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.cones import project_second_order
from fastpiggy.penalties.exponential_cone import project_triples
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.psd_cone import project_semidefinite
from fastpiggy.penalties.spoiled import spoiled


@routine
def _unpack(v, n, X):
    """The symmetric matrix of a scaled lower triangle by columns."""
    at = 0
    for j in range(n):
        for i in range(j, n):
            value = v[at] if i == j else v[at] * np.sqrt(0.5)
            X[i * n + j] = X[j * n + i] = value
            at += 1


@routine
def _pack(X, n, v):
    at = 0
    for j in range(n):
        for i in range(j, n):
            v[at] = X[i * n + j] if i == j else X[i * n + j] * np.sqrt(2.0)
            at += 1


@routine
def project_triangle(n, u, z, du, dz, m, q):
    """Projection of a scaled triangle on the semidefinite cone, and its tangents."""
    U, Z = np.empty(n * n), np.empty(n * n)
    dU, dZ = np.empty((m, n * n)), np.empty((m, n * n))
    _unpack(u, n, U)
    for k in range(m):
        _unpack(du[k], n, dU[k])
    project_semidefinite(U, Z, dU, dZ, m, q)
    _pack(Z, n, z)
    for k in range(m):
        _pack(dZ[k], n, dz[k])


@record(Penalty)
class ConeProduct(NamedTuple):
    """Zero on a product of cones, infinite elsewhere; the prox projects each part.

    The parts follow one another in the order of SCS, each with the selection of its own cone:
    zeros, the nonnegative orthant, second-order cones, semidefinite cones, exponential cones,
    dual exponential cones.  A semidefinite part holds the lower triangle of its matrix by
    columns, what is off the diagonal times sqrt 2, so that inner products are those of the
    matrices; this differs from :class:`PSDCone`, which holds all entries.  The projection on the
    dual cone is ``u + P(-u)``, with Jacobian ``I - DP(-u)``.  One selection serves each part, its
    first entry's.  It has no parameters.

    Parameters
    ----------
    zero, nonnegative : int
        Sizes.
    second_order : ndarray of int
        Size of each second-order cone.
    semidefinite : ndarray of int
        Side n of each matrix, which takes ``n (n + 1)/2`` entries.
    exponential, dual_exponential : int
        Numbers of triples.

    References
    ----------
    O'Donoghue, Chu, Parikh and Boyd (2016), Conic optimization via operator splitting and
    homogeneous self-dual embedding (SCS); Agrawal, Barratt, Boyd, Busseti and Moursi (2019),
    Differentiating through a cone program, for the Jacobians.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import ConeProduct, prox
    >>> penalty = ConeProduct(1, 2, np.array([3]), np.array([], dtype=int), 0, 0)
    >>> prox(penalty, [1.0, -1.0, 2.0, 0.0, 3.0, 4.0]).round(4)
    array([0. , 0. , 2. , 2.5, 1.5, 2. ])
    """

    zero: int
    nonnegative: int
    second_order: np.ndarray
    semidefinite: np.ndarray
    exponential: int
    dual_exponential: int
    held = (
        "zero", "nonnegative", "second_order", "semidefinite", "exponential", "dual_exponential",
    )  # fmt: skip

    def value_all(self, x):
        p, none = x.size, np.zeros((0, x.size))
        z, q, size, gap = np.empty(p), np.zeros(p), 0.0, 0.0
        _project(self, x, z, none, none, 0, q)
        for j in range(p):
            size, gap = max(size, abs(x[j])), max(gap, abs(x[j] - z[j]))
        return 0.0 if gap <= 1e-9 * size else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if not spoiled(u, z, dz, m):
            _project(self, u, z, du, dz, m, q)

    def check(self, p):
        for name in ("second_order", "semidefinite"):
            sizes = getattr(self, name)
            good = isinstance(sizes, np.ndarray) and sizes.dtype.kind == "i" and sizes.ndim == 1
            if not good or sizes.min(initial=1) < 1:
                raise ValueError(
                    f"penalty.{name} must be an array of positive integers, got {sizes!r}"
                )
        for name in ("zero", "nonnegative", "exponential", "dual_exponential"):
            if not isinstance(getattr(self, name), int | np.integer) or getattr(self, name) < 0:
                raise ValueError(
                    f"penalty.{name} must be an integer that is not negative, got "
                    f"{getattr(self, name)!r}"
                )
        triples = 3 * (self.exponential + self.dual_exponential)
        triangles = int((self.semidefinite * (self.semidefinite + 1) // 2).sum())
        total = self.zero + self.nonnegative + int(self.second_order.sum()) + triangles + triples
        if total != p:
            raise ValueError(
                f"penalty must be a cone in as many dimensions as X has columns, {p}, got {total}"
            )


@routine
def _project(cone, u, z, du, dz, m, q):
    lo, widest = 0, 3 * max(cone.exponential, cone.dual_exponential)
    for j in range(cone.zero + cone.nonnegative):
        keep = 0.0
        if j >= cone.zero:
            keep = 1.0 if u[j] > 0.0 else q[j] if u[j] == 0.0 else 0.0
        z[j] = max(u[j], 0.0) if j >= cone.zero else 0.0
        for k in range(m):
            dz[k, j] = keep * du[k, j]
    lo = cone.zero + cone.nonnegative
    for size in cone.second_order:
        widest = max(widest, size)
    for side in cone.semidefinite:
        widest = max(widest, side * (side + 1) // 2)
    along, moved = np.empty((m, widest)), np.empty((m, widest))
    parts = cone.second_order.size + cone.semidefinite.size + 2
    for b in range(parts):
        matrices, side, size = b - cone.second_order.size, 0, 0
        if matrices < 0:
            size = cone.second_order[b]
        elif matrices < cone.semidefinite.size:
            side = cone.semidefinite[matrices]
            size = side * (side + 1) // 2
        else:
            size = 3 * (cone.dual_exponential if b == parts - 1 else cone.exponential)
        if size == 0:
            continue
        for k in range(m):
            for j in range(size):
                along[k, j] = du[k, lo + j]
        at, out = u[lo : lo + size], z[lo : lo + size]
        if matrices < 0:
            project_second_order(at, out, along, moved, m, q[lo])
        elif side > 0:
            project_triangle(side, at, out, along, moved, m, q[lo])
        else:
            project_triples(at, out, along, moved, m, q[lo], b == parts - 1)
        for k in range(m):
            for j in range(size):
                dz[k, lo + j] = moved[k, j]
        lo += size
