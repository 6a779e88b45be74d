"""The null space of some rows of D, and duals that those rows carry.

Rows couple columns; D falls apart into the connected components of that graph, and each is treated
alone.  Where all rows of a component are differences of two entries (a graph's incidence matrix,
total variation) its null space is the constant and duals follow from the graph's Laplacian; else
a dense singular value decomposition of the component gives both.
"""

from functools import cached_property
from typing import Any

import numpy as np

#: Entries of the largest component that is decomposed densely.
_LARGEST = 4e6
#: Singular values below this, over the largest, are zero.
_RANK = 1e-11


class Subspace:
    """``null(D)`` with a basis that is orthonormal in the norm of the weights.

    Parameters
    ----------
    D : csr_array of shape (rows, n)
    weights : ndarray of shape (n,)

    Attributes
    ----------
    basis : csc_array of shape (n, dimension)
        N with ``N'W N = I``; what weights of zero leave free is missing.
    singular : bool
        Whether something is.
    rank : int
        Of D.
    """

    def __init__(self, D: Any, weights: np.ndarray) -> None:
        from scipy.sparse import csc_array

        self.D, self.n = D, D.shape[1]
        self.dimension, self.singular, self._duals = 0, False, []
        rows, columns, values, k = [], [], [], 0
        for at, block, place in _components(D):
            differences = block.shape[0] == 0 or _is_incidence(block)
            if differences:
                N = np.full((at.size, 1), 1.0)
            else:
                N, dual = _decompose(block)
                self._duals.append((at, place, dual))
            if differences and block.shape[0]:
                self._duals.append((at, place, _laplacian_dual(block)))
            self.dimension += N.shape[1]
            N, regular = _orthonormal(N, weights[at])
            self.singular = self.singular or not regular
            m = N.shape[1]
            rows.append(np.repeat(at, m))
            columns.append(np.tile(np.arange(k, k + m), at.size))
            values.append(N.ravel())
            k += m
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        self.basis = csc_array(entries, shape=(self.n, k))

    @property
    def rank(self) -> int:
        return self.n - self.dimension

    def lift(self, r: np.ndarray) -> np.ndarray:
        """The u of least norm with ``D'u`` nearest to r, by component."""
        u = np.zeros(self.D.shape[0])
        for at, place, dual in self._duals:
            u[place] = dual(r[at])
        return u

    def project(self, r: np.ndarray) -> np.ndarray:
        """``N N'r``: the projection of ``inv(W) r`` in the norm of the weights."""
        return self.basis @ (self.basis.T @ r)

    @cached_property
    def independent(self) -> bool:
        """Whether the rows are linearly independent."""
        return self.rank == self.D.shape[0]


def _components(D: Any) -> Any:
    """Columns, block of D and rows of each component."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows, n = D.shape
    if rows == 0:
        return [(np.array([j]), csr_array((0, 1)), np.zeros(0, dtype=np.int64)) for j in range(n)]
    pattern = abs(D)
    count, label = connected_components(pattern.T @ pattern, directed=False)
    order = np.argsort(label, kind="stable")
    columns = np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1])
    filled = np.flatnonzero(np.diff(D.indptr))
    owner = label[D.indices[D.indptr[filled]]]
    by_owner = filled[np.argsort(owner, kind="stable")]
    places = np.split(by_owner, np.cumsum(np.bincount(owner, minlength=count))[:-1])
    return [
        (at, D[place][:, at] if place.size else csr_array((0, at.size)), place)
        for at, place in zip(columns, places, strict=True)
    ]


def _is_incidence(block: Any) -> bool:
    pairs = np.all(np.diff(block.indptr) == 2)
    return bool(pairs and np.all(block.data[::2] == -block.data[1::2]))


def _decompose(block: Any) -> tuple[np.ndarray, Any]:
    """A basis of the null space, and the pseudo-inverse of the transposed."""
    rows, n = block.shape
    if float(n) * max(rows, n) > _LARGEST:
        raise ValueError(
            f"D has an inactive part of {rows} rows that couples {n} columns: a dense "
            f"decomposition of more than {_LARGEST:.0e} entries; only differences of two entries "
            "(rows like (1, -1)) go without one. Take a larger or smaller problem apart, or solve "
            'by algorithm="admm" with derivative="late"'
        )
    U, s, Vt = np.linalg.svd(block.toarray(), full_matrices=True)
    rank = int(np.count_nonzero(s > _RANK * s[0])) if s.size else 0
    U, s, V = U[:, :rank], s[:rank], Vt[:rank]
    return Vt[rank:].T, lambda r: U @ ((V @ r) / s)


def _laplacian_dual(block: Any) -> Any:
    """``u = D q`` with ``D'D q = r`` where one entry of q is held at 0: the dual of least norm."""

    def dual(r: np.ndarray) -> np.ndarray:
        from scipy.sparse.linalg import splu

        q = np.zeros(block.shape[1])
        if q.size > 1:
            held = block[:, 1:]
            q[1:] = splu((held.T @ held).tocsc(), options={"SymmetricMode": True}).solve(r[1:])
        return block @ q

    return dual


def _orthonormal(N: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, bool]:
    """A basis of the same space with ``N'W N = I``, and whether none of it was lost."""
    if N.shape[1] == 0:
        return N, True
    values, vectors = np.linalg.eigh((N.T * weights) @ N)
    seen = values > 1e-10 * max(values[-1], weights.max(initial=0.0))
    return N @ (vectors[:, seen] / np.sqrt(values[seen])), bool(seen.all())
