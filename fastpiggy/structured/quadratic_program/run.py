"""ADMM on quadratic programs: many are one with blocks on its diagonal."""

from typing import Any

import numpy as np

from fastpiggy.algorithms.admm import splitting
from fastpiggy.algorithms.operators import CompressedRows, triangles
from fastpiggy.algorithms.quadratic_admm import (
    BoundedRows,
    BoundedRowsDirections,
    QuadraticADMM,
)
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Solution
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request
from fastpiggy.structured.quadratic_program.point import Point

#: What M has on its diagonal at the least, over its mean: it makes singular ones regular.
_SIGMA = 1e-6


class Run(structured.Run):
    """ADMM with the tangents of the directions, resumable.

    Parameters
    ----------
    program : QuadraticProgram
    rho : float
    directions : list of Direction
    request : Request
    """

    patience = 50

    def __init__(
        self, program: Any, rho: float, directions: list[wrt.Direction], request: Request
    ) -> None:
        self.program, self.rho, self.selection = program, rho, request.selection
        self.scaled = scaled = program.equilibrated
        m, P, C = wrt.count(directions), *stacked(program)
        e, rows = program.equalities, C.shape[0]
        upper = scaled.d
        lower = upper.copy()
        lower[:, e:] = -np.inf
        q = np.zeros(upper.shape)
        q[:, e:] = request.selection.reshape(len(upper), -1)
        M = P + rho * (C.T @ C)
        sigma = _SIGMA * (float(M.diagonal().mean()) or 1.0)
        operator = CompressedRows(C.data, C.indices.astype(np.int64), C.indptr.astype(np.int64))
        self.C = C
        super().__init__(
            QuadraticADMM(rho, sigma, triangles((M + sigma * _eye(P.shape[0])).tocsc())),
            BoundedRows(operator, scaled.linear.ravel(), lower.ravel(), upper.ravel(), q.ravel()),
            _as_records(program, directions),
            splitting(P.shape[0], rows, m),
            m,
            request.callback,
        )
        self._start(request.x0, directions)

    def _start(self, x0: Any, directions: list[wrt.Direction]) -> None:
        if any(d.name == "step" for d in directions):
            raise ValueError("wrt must name parameters of the program or 'x0', got 'step'")
        state, k = self.state, 0
        if isinstance(x0, Solution):
            if x0.x.shape != self.program.shape:
                raise ValueError(f"x0 must have shape {self.program.shape}, got {x0.x.shape}")
            known = x0.multipliers or {}
            parts = [known[name].reshape(len(self.program.d), -1) for name in known]
            u = np.concatenate(parts, axis=1) if parts else np.zeros(self.program.d.shape)
            if u.shape == self.program.d.shape:
                self.take(self._inward(x0.x), (u / self.scaled.rows).ravel())
        elif x0 is not None:
            x = checks.shaped(x0, "x0", self.program.shape, "entry of x")
            self.take(self._inward(x), np.zeros(self.program.d.size))
        for d in directions:
            if d.name == "x0":
                values = np.stack([self._inward(value) for value in d.values])
                state.J[k : k + len(values)] = values
                state.dv[k : k + len(values)] = (self.C @ values.T).T
            k += len(d.values)

    def _inward(self, x: np.ndarray) -> np.ndarray:
        """x of all programs in the units of the run, flat."""
        return (x.reshape(self.program.linear.shape) / self.scaled.columns).ravel()

    def tangents(self) -> np.ndarray:
        """J in the user's units."""
        (B, n), S = self.program.linear.shape, self.scaled.columns
        return (S[:, :, None] * self.state.J.T.reshape(B, n, -1)).reshape(B * n, -1)

    def take(self, x: np.ndarray, u: np.ndarray) -> None:
        """Hold x with multipliers u, with tangents of zero."""
        state = self.state
        for table in (state.X, state.V, state.Z):
            table[:] = 0.0
        state.x[:], state.v[:] = x, self.C @ x + u / self.rho

    def hold(self, point: Point) -> None:
        """Take the state whose shadow is the solution, with tangents of zero."""
        # C x - d is rounding on a row that is met: the side must be told by the multiplier.
        u = np.where(point.strong, point.u, 0.0)
        d = self.scaled.d
        at = np.where(point.tight, d, d + point.slack)
        self.take(point.flat.ravel(), u.ravel())
        self.state.v[:] = (at + u / self.rho).ravel()

    @property
    def scale(self) -> float:
        """The size of the gradient's parts at the iterate."""
        return float(self.here().gradient_scale.max())

    @property
    def floor(self) -> float:
        return self.here().floor

    def point(self) -> Any:
        """The iterate, with its multipliers."""
        return self.here()

    def here(self) -> Point:
        """The iterate as a point of the program itself."""
        state, p = self.state, self.program
        u = (self.rho * (state.v - self.C @ state.x)).reshape(p.d.shape)
        # What is inside its bound has no multiplier but for rounding in C x.
        inside = (state.z < self.problem.upper).reshape(u.shape)
        inside[:, : p.equalities] = False
        u[inside] = 0.0
        u[:, p.equalities :] = np.maximum(u[:, p.equalities :], 0.0)
        x = state.x.reshape(p.linear.shape).copy()
        return Point(p, x, u, self.selection, self.rho)


def stacked(program: Any) -> tuple[Any, Any]:
    """P and C, sparse, of all programs, in the units of the run."""
    from scipy.sparse import block_diag, csc_array, csr_array

    B, P, C = len(program.d), program.equilibrated.P, program.equilibrated.C
    if program.sparse:
        return P, C
    P = np.broadcast_to(P, (B, *P.shape[1:]))
    C = np.broadcast_to(C, (B, *C.shape[1:]))
    if B == 1:
        return csc_array(P[0]), csr_array(C[0])
    return csc_array(block_diag(list(P), format="csc")), csr_array(
        block_diag(list(C), format="csr")
    )


def _eye(n: int) -> Any:
    from scipy.sparse import eye_array

    return eye_array(n)


def _as_records(program: Any, directions: list[wrt.Direction]) -> BoundedRowsDirections:
    """Tangent records that kernels read."""
    m, e, k = wrt.count(directions), program.equalities, 0
    (B, n), rows = program.linear.shape, program.d.shape[1]
    coupled = any(d.name in ("P", "A", "G") for d in directions)
    size = m if coupled else 0
    if size * B * n * (n + rows) * B > wrt.LARGEST:
        raise ValueError(
            'wrt has too many directions of P, A or G to carry along; take derivative="implicit"'
        )
    linear, bound = np.zeros((m, B, n)), np.zeros((m, B, rows))
    P, C = np.zeros((size, B, n, B, n)), np.zeros((size, B, rows, B, n))
    for d in directions:
        at = slice(k, k + len(d.values))
        k += len(d.values)
        equal = slice(0, e) if d.name in ("A", "b") else slice(e, None)
        own = d.name in program.parameters and program.batched(d.name)
        values = d.values if own else d.values[:, None]
        if d.name == "q":
            linear[at] = values
        elif d.name in ("b", "h"):
            bound[at, :, equal] = values
        elif d.name in ("P", "A", "G"):
            for b in range(B):
                part = values[:, b if values.shape[1] > 1 else 0]
                if d.name == "P":
                    P[at, b, :, b, :] = part
                else:
                    C[at, b, equal, b, :] = part
    S, R = program.equilibrated.columns, program.equilibrated.rows
    linear, bound = S * linear, R * bound
    s, r = (np.broadcast_to(scale, (B, scale.shape[1])) for scale in (S, R))
    P = s[:, :, None, None] * P * s
    C = r[:, :, None, None] * C * s
    return BoundedRowsDirections(
        linear.reshape(m, B * n), bound.reshape(m, B * rows), P.reshape(size, B * n, B * n),
        C.reshape(size, B * rows, B * n), int(coupled),
    )  # fmt: skip
