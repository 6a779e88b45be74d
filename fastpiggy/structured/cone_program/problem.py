"""The cone program as a problem: its data, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fastpiggy.penalties import ConeProduct
from fastpiggy.problems import checks

#: Rows and columns up to which the dense systems of the derivative are formed.
LARGEST = 4000

_NAMES = {
    "z": "zero", "f": "zero", "l": "nonnegative", "q": "second_order", "s": "semidefinite",
    "ep": "exponential", "ed": "dual_exponential",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ConeProgram:
    """``min c'x, A x + s = b, s in K``; see :func:`cone_program`.

    Parameters
    ----------
    A : ndarray of shape (m, n)
    b : ndarray of shape (m,)
    c : ndarray of shape (n,)
    cones : ConeProduct
        K.
    """

    A: np.ndarray
    b: np.ndarray
    c: np.ndarray
    cones: ConeProduct

    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "structured"

    @property
    def shape(self) -> tuple[int]:
        """``(n,)``."""
        return self.c.shape  # type: ignore[return-value]

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to."""
        return {"A": self.A, "b": self.b, "c": self.c}

    @cached_property
    def blocks(self) -> np.ndarray:
        """First row of each part that is scaled, and selected at kinks, as one."""
        K = self.cones
        sides = K.semidefinite
        sizes = [
            np.ones(K.zero + K.nonnegative, dtype=np.int64), K.second_order,
            sides * (sides + 1) // 2, np.full(K.exponential + K.dual_exponential, 3),
        ]  # fmt: skip
        flat = np.concatenate(sizes).astype(np.int64)
        return np.cumsum(flat) - flat

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        from fastpiggy.structured.cone_program.system import System

        return System(self)

    def replace(self, **changes: Any) -> "ConeProgram":
        """The same cones with other data.

        Parameters
        ----------
        **changes
            ``A``, ``b``, ``c``, of the same shapes.

        Returns
        -------
        ConeProgram

        Raises
        ------
        ValueError
            For another name or shape, or data that are not finite.
        """
        checks.parameters(changes, self.parameters)
        new = {}
        for name, value in changes.items():
            if name == "A":
                new[name] = _matrix(value, self.A.shape)
            else:
                what = "row of A" if name == "b" else "column of A"
                new[name] = np.array(checks.vector(value, name, getattr(self, name).size, what))
        return replace(self, **new)

    def __repr__(self) -> str:
        m, n = self.A.shape
        return f"<ConeProgram {n} variables, {m} rows>"


def cone_program(A: Any, b: Any, c: Any, cones: Any) -> ConeProgram:
    """A cone program ``min c'x, A x + s = b, s in K``, and its dual.

    The dual is ``max -b'y, A'y + c = 0, y in K*``.  Order of the cones and scaling of matrices
    are those of SCS.

    Parameters
    ----------
    A : array_like or sparse matrix of shape (m, n)
        Held dense.
    b : array_like of shape (m,)
    c : array_like of shape (n,)
    cones : dict or ConeProduct
        K, its parts in this order whatever that of the dict: ``"z"`` (or ``"f"``) the number of
        rows of the zero cone, ``"l"`` that of the nonnegative orthant, ``"q"`` sizes of
        second-order cones, t first, ``"s"`` sides of semidefinite matrices, given by their lower
        triangle by columns with what is off the diagonal times sqrt 2, ``"ep"`` and ``"ed"``
        numbers of exponential cones ``s exp(r/s) <= t`` in (r, s, t) and of their duals.

    Returns
    -------
    ConeProgram
        ``fp.solve`` returns a :class:`fastpiggy.ConeSolution` for it, with y and s beside x.

    Raises
    ------
    ValueError, TypeError
        For unknown cones, sizes that do not add up to m, shapes, and data that are not finite.

    References
    ----------
    O'Donoghue, Chu, Parikh, Boyd, "Conic optimization via operator splitting and homogeneous
    self-dual embedding", 2016; Bolte, Le, Pauwels, Silveti-Falls, "Nonsmooth implicit
    differentiation for machine learning and optimization", 2106.04350.

    Examples
    --------
    The smallest t with ``norm((3, 4)) <= t``:

    >>> import fastpiggy as fp
    >>> problem = fp.cone_program([[-1.0], [0.0], [0.0]], [0.0, 3.0, 4.0], [1.0], {"q": [3]})
    >>> sol = fp.solve(problem, wrt="b")
    >>> sol.x.round(9), sol.jacobian["b"].round(9) + 0.0
    (array([5.]), array([[-1. ,  0.6,  0.8]]))
    """
    A = _matrix(A, None)
    m, n = A.shape
    if m + n > LARGEST:
        raise ValueError(
            f"A must have at most {LARGEST} rows and columns together, for dense factors of the "
            f"conditions of optimality, got {m} and {n}"
        )
    b = np.array(checks.vector(b, "b", m, "row of A"))
    c = np.array(checks.vector(c, "c", n, "column of A"))
    return ConeProgram(A, b, c, cone_product(cones, m))


def _matrix(A: Any, shape: tuple[int, int] | None) -> np.ndarray:
    # Sparse matrices are made dense anyway: bringing them into order first would cost more.
    found = checks.matrix(A.toarray() if hasattr(A, "tocsc") and A.ndim == 2 else A, "A")
    dense = np.array(found, dtype=float, order="C")
    if shape is not None and dense.shape != shape:
        raise ValueError(f"A must have shape {shape}, got {dense.shape}")
    checks.finite(dense, dense.sum(axis=0), "A")
    return dense


def cone_product(cones: Any, m: int) -> ConeProduct:
    """The record of cones that are given by name, whose rows must add up to m."""
    if isinstance(cones, ConeProduct):
        given: Mapping[str, Any] = cones._asdict()
        names = {name: name for name in ConeProduct._fields}
    elif isinstance(cones, Mapping):
        given, names = cones, _NAMES
    else:
        raise TypeError(f"cones must be a dict such as {{'l': {m}}}, got {cones!r}")
    sizes: dict[str, Any] = dict.fromkeys(ConeProduct._fields, 0)
    sizes["second_order"] = sizes["semidefinite"] = np.zeros(0, dtype=np.int64)
    seen: dict[str, str] = {}
    for key, value in given.items():
        if key not in names:
            known = ", ".join(map(repr, names))
            raise ValueError(f"cones has an unknown cone {key!r}; it takes {known}")
        name = names[key]
        if name in seen:
            raise ValueError(f"cones gives the same cone twice, as {seen[name]!r} and {key!r}")
        seen[name] = key
        several = isinstance(sizes[name], np.ndarray)
        sizes[name] = _sizes(value, key, several)
    triangles = int((sizes["semidefinite"] * (sizes["semidefinite"] + 1) // 2).sum())
    triples = 3 * (sizes["exponential"] + sizes["dual_exponential"])
    straight = sizes["zero"] + sizes["nonnegative"] + int(sizes["second_order"].sum())
    total = straight + triangles + triples
    if total != m:
        raise ValueError(f"cones must add up to the {m} rows of A, got {total} from {dict(given)}")
    return ConeProduct(**sizes)


def _sizes(value: Any, key: str, several: bool) -> Any:
    """A number of rows, or the sizes of several cones; zeros stand for no cone."""
    found = np.asarray(value)
    if found.size == 0 and several:
        return np.zeros(0, dtype=np.int64)
    if found.ndim > several or found.dtype.kind not in "iu" or found.min() < several:
        what = "positive integers" if several else "an integer that is not negative"
        raise ValueError(f"cones[{key!r}] must be {what}, got {value!r}")
    return np.atleast_1d(found).astype(np.int64) if several else int(found)
