"""Quadratic programs as problems: their data, checked."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.structured.quadratic_program.equilibration import Equilibrated

#: Asymmetry and negative curvature of P below this, over its largest entry, are rounding.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class QuadraticProgram:
    """``x'P x / 2 + q'x`` with ``A x = b``, ``G x <= h``; see :func:`quadratic_program`.

    Parameters
    ----------
    P : ndarray or csc_array of shape (n, n)
        Symmetric; with a leading axis where there are many programs, as all others.
    q : ndarray of shape (n,)
    A, b : of shape (equalities, n) and (equalities,), or None
    G, h : of shape (inequalities, n) and (inequalities,), or None
    """

    P: Any
    q: np.ndarray
    A: Any = None
    b: np.ndarray | None = None
    G: Any = None
    h: np.ndarray | None = None
    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "structured"
    #: Parameters whose directions are symmetric matrices.
    symmetric: ClassVar[tuple[str, ...]] = ("P",)

    @property
    def many(self) -> int | None:
        """Number of programs where there is a leading axis, else None."""
        sizes = [len(self.parameters[k]) for k in self.parameters if self.batched(k)]
        return sizes[0] if sizes else None

    def batched(self, name: str) -> bool:
        """Whether every program has its own of this parameter."""
        return bool(getattr(self, name).ndim == 1 + _AXES[name])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the solution: ``(n,)``, or ``(programs, n)``."""
        n = int(self.P.shape[-1])
        return (n,) if self.many is None else (self.many, n)

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to."""
        found = {name: getattr(self, name) for name in _AXES}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def equalities(self) -> int:
        """Rows of A."""
        return 0 if self.A is None else int(self.A.shape[-2])

    @property
    def inequalities(self) -> int:
        """Rows of G."""
        return 0 if self.G is None else int(self.G.shape[-2])

    @property
    def sparse(self) -> bool:
        """Whether P, A and G are stored so."""
        return hasattr(self.P, "tocsc")

    @cached_property
    def C(self) -> Any:
        """A over G: dense with a leading axis of 1 or of the programs; sparse (CSR) without."""
        n = int(self.P.shape[-1])
        if self.sparse:
            from scipy.sparse import csr_array, vstack

            parts = [m for m in (self.A, self.G) if m is not None]
            return vstack(parts, format="csr") if parts else csr_array((0, n))
        parts = [m[None] if m.ndim == 2 else m for m in (self.A, self.G) if m is not None]
        most = max((len(m) for m in parts), default=1)
        parts = [np.broadcast_to(m, (most, *m.shape[1:])) for m in parts]
        return np.ascontiguousarray(np.concatenate([np.zeros((most, 0, n)), *parts], axis=1))

    @cached_property
    def d(self) -> np.ndarray:
        """b over h, for every program: (programs or 1, rows)."""
        B = self.many or 1
        parts = [np.broadcast_to(v, (B, v.shape[-1])) for v in (self.b, self.h) if v is not None]
        return np.ascontiguousarray(np.concatenate([np.zeros((B, 0)), *parts], axis=1))

    @cached_property
    def linear(self) -> np.ndarray:
        """q for every program: (programs or 1, n)."""
        B, n = self.many or 1, int(self.P.shape[-1])
        return np.array(np.broadcast_to(self.q, (B, n)), order="C")

    @cached_property
    def equilibrated(self) -> Equilibrated:
        """The program in units in which it is solved and judged."""
        return Equilibrated(self)

    def replace(self, **changes: Any) -> "QuadraticProgram":
        """The same program with other values of some parameters, checked again.

        Raises
        ------
        ValueError
            For a name that is no parameter, or a value that is not allowed.
        """
        known = self.parameters
        checks.parameters(changes, known)
        return quadratic_program(**{**known, **changes})

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        from fastpiggy.structured.quadratic_program.system import System

        return System(self)

    def __repr__(self) -> str:
        many = "" if self.many is None else f"{self.many} programs, "
        return (
            f"<QuadraticProgram {many}n {self.P.shape[-1]}, {self.equalities} equalities, "
            f"{self.inequalities} inequalities>"
        )


#: Axes of the parameters of one program.
_AXES = {"P": 2, "q": 1, "A": 2, "b": 1, "G": 2, "h": 1}


def quadratic_program(
    P: Any, q: Any, A: Any = None, b: Any = None, G: Any = None, h: Any = None
) -> QuadraticProgram:
    """Minimise ``x'P x / 2 + q'x`` subject to ``A x = b`` and ``G x <= h``.

    Parameters
    ----------
    P : array_like or sparse matrix of shape (n, n)
        Symmetric and positive semidefinite; zeros for a linear program.
    q : array_like of shape (n,)
    A, b : of shape (equalities, n) and (equalities,), optional
        Both or none.
    G, h : of shape (inequalities, n) and (inequalities,), optional
        Both or none.

    Returns
    -------
    QuadraticProgram
        Many programs of one size where any of these has a leading axis; those without are shared.
        x has shape (programs, n) then, and so has ``sol.vjp``'s v.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, is not finite, or if P is not symmetric or has negative
        curvature; the message names it.

    Notes
    -----
    The exact way is the dual active-set method of Goldfarb and Idnani (1983) in Gram space, with
    proximal steps where P is singular; the derivative is a linear solve with the KKT matrix of the
    working set (Amos and Kolter, "OptNet", 2017), at kinks with the selection's.  ``"admm"`` runs
    ADMM with its tangents.  ``sol.multipliers`` has ``"y"`` (of ``A x = b``, any sign) and ``"z"``
    (of ``G x <= h``, not negative), with ``P x + q + A'y + G'z = 0``.

    An infeasible program has ``sol.certificate.ray`` with ``"y"`` and ``"z"``: ``A'y + G'z = 0``,
    ``z >= 0``, ``b'y + h'z < 0`` (Farkas).  One that is unbounded below has ``"x"``, along which it
    falls for ever: ``P x = 0``, ``A x = 0``, ``G x <= 0``, ``q'x < 0``.

    Examples
    --------
    The point of the simplex that is nearest to (0.9, 0.3, -0.4):

    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> target = np.array([0.9, 0.3, -0.4])
    >>> problem = fp.quadratic_program(
    ...     np.eye(3), -target, np.ones((1, 3)), [1.0], -np.eye(3), np.zeros(3)
    ... )
    >>> sol = fp.solve(problem, wrt="q")
    >>> sol.x.round(12), sol.multipliers["z"].round(12)
    (array([0.8, 0.2, 0. ]), array([0. , 0. , 0.5]))
    >>> sol.jacobian["q"].round(12)
    array([[-0.5,  0.5,  0. ],
           [ 0.5, -0.5,  0. ],
           [ 0. ,  0. ,  0. ]])
    """
    given = {"P": P, "q": q, "A": A, "b": b, "G": G, "h": h}
    for matrix, right in (("A", "b"), ("G", "h")):
        if (given[matrix] is None) != (given[right] is None):
            there = matrix if given[right] is None else right
            raise ValueError(f"{matrix} and {right} go together, got only {there}")
    for name in ("P", "q"):
        if given[name] is None:
            raise ValueError(f"{name} must be given; zeros where the objective has no such part")
    sparse = any(hasattr(given[name], "tocsc") for name in ("P", "A", "G"))
    made = {k: _checked(k, v, sparse) for k, v in given.items() if v is not None}
    _check_shapes(made)
    made["P"] = _symmetric(made["P"])
    return QuadraticProgram(**made)


def _checked(name: str, value: Any, sparse: bool) -> Any:
    axes = _AXES[name]
    if axes == 2 and sparse:
        from scipy.sparse import csc_array

        found = value if hasattr(value, "tocsc") else np.atleast_2d(checks.array(value, name))
        if found.ndim != 2:
            raise ValueError(f"{name} must have two dimensions where a matrix is sparse")
        found = csc_array(checks.matrix(found, name), dtype=float, copy=True)
        data = found.data
    else:
        found = data = np.array(checks.array(value, name), dtype=float, order="C")
        if found.ndim not in (axes, axes + 1):
            raise ValueError(
                f"{name} must have {axes} dimensions, or {axes + 1} for many programs, got shape "
                f"{found.shape}"
            )
        if found.shape[0] == 0 and found.ndim == axes + 1:
            raise ValueError(f"{name} must have at least one program, got shape {found.shape}")
    bad = np.flatnonzero(~np.isfinite(data))
    if bad.size:
        hint = "; leave out rows without a bound" if name == "h" else ""
        raise ValueError(f"{name} must be finite, got {data.ravel()[bad[0]]}{hint}")
    return found


def _check_shapes(made: dict[str, Any]) -> None:
    n = made["P"].shape[-1]
    if n == 0 or made["P"].shape[-2] != n:
        raise ValueError(f"P must be square, with a row at least, got shape {made['P'].shape}")
    wanted = {"q": (n,)}
    for matrix, right in (("A", "b"), ("G", "h")):
        if matrix in made:
            rows = made[matrix].shape[-2]
            wanted[matrix], wanted[right] = (rows, n), (rows,)
    for name, shape in wanted.items():
        if made[name].shape[-_AXES[name] :] != shape:
            raise ValueError(
                f"{name} must have shape {shape}, or (programs, *{shape}), for a P of shape "
                f"{made['P'].shape}, got {made[name].shape}"
            )
    leads = {k: len(v) for k, v in made.items() if v.ndim == _AXES[k] + 1}
    if len(set(leads.values())) > 1:
        raise ValueError(f"leading axes must be of one length, got {leads}")
    if leads and hasattr(made["P"], "tocsc"):
        raise ValueError(f"{next(iter(leads))} must have no leading axis where a matrix is sparse")


def _symmetric(P: Any) -> Any:
    """P, its rounding in symmetry taken out, once it is known to have no negative curvature."""
    sparse = hasattr(P, "tocsc")
    other = P.T if sparse else P.swapaxes(-1, -2)
    largest = float(abs(P).max())
    asymmetry = float(abs(P - other).max())
    if asymmetry > _ROUNDING * largest:
        raise ValueError(
            f"P must be symmetric, got entries that differ by {asymmetry:.3g} from those of its "
            "transpose; take (P + P.T) / 2, which has the same objective"
        )
    P = 0.5 * (P + other)
    if sparse:
        P = P.tocsc()
        if not _no_negative_pivot(P, largest):
            raise ValueError(_NEGATIVE.format(""))
        return P
    try:
        np.linalg.cholesky(P)
    except np.linalg.LinAlgError:
        least = np.linalg.eigvalsh(P)[..., 0]
        if float(least.min()) < -_ROUNDING * largest:
            raise ValueError(_NEGATIVE.format(f", got an eigenvalue {least.min():.3g}")) from None
    return np.ascontiguousarray(P)


_NEGATIVE = "P must be positive semidefinite{}: the program has no least value otherwise"


def _no_negative_pivot(P: Any, largest: float) -> bool:
    """Whether ``P + shift I`` has a factor with positive pivots from its diagonal."""
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    if largest == 0.0:
        return True
    shifted = (P + _ROUNDING * largest * eye_array(P.shape[0])).tocsc()
    try:
        found = splu(
            shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )  # fmt: skip
    except RuntimeError:
        return False
    return bool(np.all(found.U.diagonal() > 0) and np.array_equal(found.perm_r, found.perm_c))
