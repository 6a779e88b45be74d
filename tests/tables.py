"""What the generic tests run over: a new penalty, loss, design or algorithm is one line here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise, product
from types import SimpleNamespace
from typing import Any

import naive
import numpy as np
from scipy.sparse import csc_array

from fastpiggy.algorithms.block_descent import BlockDescent
from fastpiggy.algorithms.composite import Composite, CompositeDirections, prox
from fastpiggy.algorithms.coordinate_descent import CoordinateDescent
from fastpiggy.algorithms.engine import Policy, Progress, run
from fastpiggy.algorithms.forward_backward import ForwardBackward
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.compile import roles
from fastpiggy.compile.flags import COMPILED
from fastpiggy.designs import Dense, Fixed, Moving, Rows, Sparse, matrix
from fastpiggy.losses import Constant, Huber, LeastSquares, Logistic
from fastpiggy.penalties import (
    L1,
    MCP,
    Box,
    ElasticNet,
    GroupL2,
    NonnegativeL1,
    Simplex,
    SquaredL2,
    TotalVariation,
)


def weights(rng, p):
    """Positive, and the last one zero: an unpenalised coordinate (or group)."""
    found = rng.uniform(0.5, 1.5, p)
    found[-1] = 0.0
    return found


def box(rng, p):
    lower, upper = -rng.uniform(0.1, 0.4, p), rng.uniform(0.1, 0.4, p)
    lower[0], upper[-1] = -np.inf, np.inf
    return Box(lower, upper)


def groups(rng, p):
    """Groups of two, the last one shorter where p is odd, with scattered members."""
    offsets = np.append(np.arange(0, p, 2), p)
    return GroupL2(0.1, weights(rng, offsets.size - 1), offsets, rng.permutation(p))


def _coordinates(*values: Callable[[Any, float], Any]) -> Callable[..., list]:
    """Kinks of a separable penalty: one coordinate at a time at one of its thresholds."""

    def make(penalty, u, step):
        found = []
        for j, value in product(range(u.size), values):
            at = u.copy()
            at[j] = np.broadcast_to(value(penalty, step), u.shape)[j]
            # An unpenalised coordinate has none, a side that is open neither.
            if at[j] != 0 and np.isfinite(at[j]):
                found.append(at)
        return found

    return make


def _group_kinks(penalty, u, step):
    found = []
    for b in np.flatnonzero(penalty.weights):
        at = u.copy()
        members = penalty.order[penalty.offsets[b] : penalty.offsets[b + 1]]
        at[members] = 0.0
        # Along an axis, so that the norm is the threshold to the last bit.
        at[members[0]] = -step * penalty.alpha * penalty.weights[b]
        found.append(at)
    return found


def _simplex_kinks(penalty, u, step):
    at = np.full(u.size, -3.0 * penalty.radius)
    at[:3] = 0.75 * penalty.radius, 0.25 * penalty.radius, 0.0
    return [at, at - 1.0]


def _variation_kinks(penalty, u, step):
    t = step * penalty.alpha
    step_up = np.zeros(u.size)
    step_up[u.size // 2 :] = 2 * t * (1 / (u.size // 2) + 1 / (u.size - u.size // 2)) / 2
    return [step_up, 1.0 - step_up]


@dataclass(frozen=True)
class PenaltyCase:
    """How to make a penalty at random, and what is known of it."""

    make: Callable[..., Any]
    kinks: Callable[..., list] = field(default=lambda penalty, u, step: [])
    convex: bool = True
    #: The same penalty switched off, whose prox is the identity; None where there is none.
    off: Callable[..., Any] | None = None
    #: The largest step that the tests take.
    step: float = 2.0


PENALTIES: dict[str, PenaltyCase] = {
    "L1": PenaltyCase(
        lambda rng, p: L1(0.1, weights(rng, p)),
        _coordinates(lambda g, a: a * g.alpha * g.weights, lambda g, a: -a * g.alpha * g.weights),
        off=lambda rng, p: L1(0.0, weights(rng, p)),
    ),
    "NonnegativeL1": PenaltyCase(
        lambda rng, p: NonnegativeL1(0.1, weights(rng, p)),
        _coordinates(lambda g, a: a * g.alpha * g.weights),
    ),
    "ElasticNet": PenaltyCase(
        lambda rng, p: ElasticNet(0.25, 0.5, weights(rng, p)),
        _coordinates(
            lambda g, a: a * g.alpha * g.l1_ratio * g.weights,
            lambda g, a: -a * g.alpha * g.l1_ratio * g.weights,
        ),
        off=lambda rng, p: ElasticNet(0.0, 0.6, weights(rng, p)),
    ),
    "SquaredL2": PenaltyCase(lambda rng, p: SquaredL2(0.3), off=lambda rng, p: SquaredL2(0.0)),
    "Box": PenaltyCase(
        box,
        _coordinates(lambda g, a: g.lower, lambda g, a: g.upper),
        off=lambda rng, p: Box(np.full(p, -np.inf), np.full(p, np.inf)),
    ),
    "MCP": PenaltyCase(
        lambda rng, p: MCP(0.125, 16.0, weights(rng, p)),
        _coordinates(
            lambda g, a: a * (g.alpha * g.weights),
            lambda g, a: -a * (g.alpha * g.weights),
            lambda g, a: g.gamma * (g.alpha * g.weights),
            lambda g, a: -g.gamma * (g.alpha * g.weights),
        ),
        convex=False,
        off=lambda rng, p: MCP(0.0, 16.0, weights(rng, p)),
    ),
    "GroupL2": PenaltyCase(
        groups, _group_kinks, off=lambda rng, p: groups(rng, p)._replace(alpha=0.0)
    ),
    "Simplex": PenaltyCase(lambda rng, p: Simplex(1.25), _simplex_kinks),
    "TotalVariation": PenaltyCase(
        lambda rng, p: TotalVariation(0.25),
        _variation_kinks,
        off=lambda rng, p: TotalVariation(0.0),
    ),
}

LOSSES: dict[str, Callable[..., Any]] = {
    "LeastSquares": lambda rng, n: LeastSquares(
        rng.standard_normal(n), rng.uniform(0.5, 1.5, n) / n
    ),
    "Logistic": lambda rng, n: Logistic(
        np.where(rng.random(n) < 0.5, -1.0, 1.0), rng.uniform(0.5, 1.5, n) / n
    ),
    "Huber": lambda rng, n: Huber(
        2 * rng.standard_normal(n), rng.uniform(0.5, 1.5, n) / n, 1.1, 0.0
    ),
}


def _sparse(X):
    found = csc_array(X)
    return Sparse(
        found.data, found.indices.astype(np.int32), found.indptr.astype(np.int32), X.shape[0]
    )


STORAGES: dict[str, Callable[..., Any]] = {
    "rows": lambda X: Rows(np.ascontiguousarray(X)),
    "dense": lambda X: Dense(np.asfortranarray(X)),
    "sparse": _sparse,
}
#: Names of designs: "centred" has an intercept and means that are not zero, "32" is float32.
DESIGNS = [a + s + b for a, s, b in product(["", "centred "], STORAGES, ["", "32"])]
ALGORITHMS = {
    "ForwardBackward": (DESIGNS, list(PENALTIES)),
    "CoordinateDescent": (
        [name for name in DESIGNS if "rows" not in name],
        ["L1", "NonnegativeL1", "ElasticNet", "SquaredL2", "Box", "MCP"],
    ),
    "BlockDescent": (
        [name for name in DESIGNS if "rows" not in name],
        ["GroupL2", "L1", "NonnegativeL1", "ElasticNet", "SquaredL2", "Box", "MCP"],
    ),
}

#: Each part with several others, and whether X and the loss move: what is compiled, and what is
#: run to the end.
SAMPLE = [
    ("ForwardBackward", "rows", "LeastSquares", "L1", True),
    ("ForwardBackward", "rows32", "Logistic", "ElasticNet", False),
    ("ForwardBackward", "centred rows", "Huber", "GroupL2", True),
    ("ForwardBackward", "dense", "LeastSquares", "TotalVariation", True),
    ("ForwardBackward", "centred dense", "Logistic", "MCP", True),
    ("ForwardBackward", "dense32", "LeastSquares", "Simplex", False),
    ("ForwardBackward", "sparse", "Huber", "NonnegativeL1", True),
    ("ForwardBackward", "centred sparse", "LeastSquares", "SquaredL2", True),
    ("CoordinateDescent", "dense", "LeastSquares", "L1", True),
    ("CoordinateDescent", "dense", "LeastSquares", "L1", False),
    ("CoordinateDescent", "centred dense", "Logistic", "ElasticNet", True),
    ("CoordinateDescent", "centred dense", "LeastSquares", "MCP", False),
    ("CoordinateDescent", "sparse", "Huber", "Box", True),
    ("CoordinateDescent", "centred sparse", "LeastSquares", "NonnegativeL1", False),
    ("CoordinateDescent", "sparse32", "Logistic", "SquaredL2", False),
    ("BlockDescent", "dense", "LeastSquares", "GroupL2", True),
    ("BlockDescent", "centred dense", "Huber", "GroupL2", True),
    ("BlockDescent", "sparse", "Logistic", "GroupL2", False),
    ("BlockDescent", "centred sparse32", "LeastSquares", "Box", False),
]


def every_combination() -> list[tuple[str, str, str, str, bool]]:
    """All of them in plain Python, where nothing need compile; else the sample."""
    if COMPILED:
        return SAMPLE
    return [
        (algorithm, *rest)
        for algorithm, (designs, penalties) in ALGORITHMS.items()
        for rest in product(designs, LOSSES, penalties, [True, False])
    ]


def label(combination: tuple) -> str:
    """The name of a test for a combination."""
    *names, moves = combination
    return "-".join(names) + ("" if moves else "-held")


def make_design(name: str, X: np.ndarray, mean: np.ndarray | None = None) -> Any:
    """The design of that name, of X or of what float32 makes of it."""
    storage = name.removeprefix("centred ").removesuffix("32")
    found = STORAGES[storage](X.astype(np.float32 if name.endswith("32") else float))
    if not name.startswith("centred"):
        return found
    return matrix.with_intercept(
        found, np.linspace(-0.5, 0.7, X.shape[1]) if mean is None else mean
    )


def dense(design: Any) -> np.ndarray:
    """The whole matrix of a design in float64, centred and with the intercept's ones."""
    if hasattr(design, "mean"):
        X = dense(design.design)
        return np.column_stack([X - design.mean, np.ones(len(X))])
    if isinstance(design, Sparse):
        shape = design.rows, design.indptr.size - 1
        return (
            csc_array((design.data, design.indices, design.indptr), shape).toarray().astype(float)
        )
    return design.X.astype(float)


def zeros(record: Any, m: int) -> Any:
    return type(record)(*(np.zeros((m, *np.shape(value))) for value in record))


def directions(record: Any, rng: Any, m: int) -> Any:
    """Random directions, of random signs, of all the parameters of a record at once.

    Zero weights stay zero: below zero there is no penalty, so nothing to take differences of.
    """
    held = getattr(record, "held", ())
    found = zeros(record, m)
    for name, value, d in zip(record._fields, record, found):
        if name not in held:
            d[...] = rng.standard_normal(d.shape)
            if name == "weights":
                d[:, value == 0] = 0.0
    return found


def moved(record: Any, d: Any, k: int, e: float) -> Any:
    """The record, moved by e along direction k."""
    held = getattr(record, "held", ())
    return type(record)(
        *(
            value if name in held else value + e * along[k]
            for name, value, along in zip(record._fields, record, d)
        )
    )


def apply_prox(penalty, u, step, du=None, d=None, q=0.0):
    """``prox_all`` as kernels call it: z, and dz where there is a du."""
    p = u.size
    m = 0 if du is None else len(du)
    steps, q = np.full(p, float(step)), np.full(p, float(q))
    du, d = np.zeros((0, p)) if du is None else du, zeros(penalty, m) if d is None else d
    z, dz = np.empty(p), np.empty((m, p))
    prox(penalty, u, steps, z, du, dz, d, m, q)
    return z, dz


def make_case(algorithm, design, loss, penalty, moves=True, seed=0, n=15, p=5, m=3):
    """One problem with random directions of everything, as kernels see it and as naive.py does.

    Where X and the loss do not move, kernels know it by type.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.7)
    design, f = make_design(design, X), LOSSES[loss](rng, n)
    # A signal, so that every penalty leaves some; labels that no plane separates.
    target = X @ np.resize([0.3, 1.5, 0.0, 1.2, 0.1], p) + 0.5 * f.y
    f = f._replace(
        y=np.where(target > 0.5, 1.0, -1.0) * np.sign(rng.random(n) - 0.2)
        if loss == "Logistic"
        else target
    )
    g = PENALTIES[penalty].make(rng, p)
    dX, df = Moving(rng.standard_normal((m, n, p))), directions(f, rng, m)
    if not moves:
        dX, df = Fixed(), Constant()
    d = CompositeDirections(dX, df, directions(g, rng, m), np.zeros(m))
    problem = Composite(design, f, g, np.zeros(p + design.free()))
    return bound_case(algorithm, problem, d)


def bound_case(algorithm, problem, d):
    """A problem with an algorithm for it, and the same for naive.py."""
    c, parts = naive_case(problem, d), steps_of(algorithm, problem)
    return SimpleNamespace(problem=problem, d=d, m=d.step.size, c=c, name=algorithm, **parts)


def naive_case(problem: Any, d: Any) -> Any:
    """The same problem for naive.py."""
    A, m = dense(problem.design), d.step.size
    dA = np.zeros((m, *A.shape))
    if isinstance(d.design, Moving):
        dA[:, :, : d.design.values.shape[2]] = d.design.values
    d_loss = zeros(problem.loss, m) if isinstance(d.loss, Constant) else d.loss
    return SimpleNamespace(
        A=A, dA=dA, dstep=d.step, q=problem.selection, free=problem.design.free(),
        loss=naive.LOSSES[type(problem.loss).__name__],
        penalty=naive.PENALTIES[type(problem.penalty).__name__],
        p_loss=problem.loss._asdict(), d_loss=d_loss._asdict(),
        p_penalty=problem.penalty._asdict(), d_penalty=d.penalty._asdict(),
    )  # fmt: skip


def steps_of(algorithm: str, problem: Any) -> dict[str, Any]:
    """The algorithm's record, the step of each coordinate, and the blocks it moves together."""
    A, g = dense(problem.design), problem.penalty
    p, free = A.shape[1], problem.design.free()
    bounds = np.array([problem.loss.bound(i) for i in range(len(A))])
    kind = roles(g)[0]
    if kind == "BlockPenalty":
        blocks = [g.order[lo:hi] for lo, hi in pairwise(g.offsets)]
    else:
        blocks = [[j] for j in range(p - free)]
    blocks += [[p - 1]] * free
    largest = 0.5 * g.largest_step() if hasattr(g, "largest_step") else np.inf
    if algorithm == "ForwardBackward":
        L = np.linalg.eigvalsh(A.T @ (bounds[:, None] * A))[-1]
        # One step for all, or for each block, as the penalty allows.
        spread = np.ones(p) if kind == "Penalty" else np.linspace(0.8, 1.0, p)
        for members in blocks:
            spread[members] = spread[members[0]]
        steps = np.minimum(spread / L, largest)
        return {"algorithm": ForwardBackward(steps), "steps": steps, "blocks": blocks}
    curvature = bounds @ A**2
    for members in blocks:
        curvature[members] = max(curvature[members].sum(), 1 / largest)
    if algorithm == "BlockDescent":
        record = BlockDescent(curvature[[members[0] for members in blocks]])
    else:
        record = CoordinateDescent(curvature, np.arange(p), 0, np.zeros(1, dtype=np.int64))
    return {"algorithm": record, "steps": 1 / curvature, "blocks": blocks}


def start_state(case: Any, x: np.ndarray, J: np.ndarray) -> Any:
    """Work arrays at x and J, with the states and slopes that descent carries along."""
    n, p = case.c.A.shape
    state, at = iterate(n, p, case.m), naive.gradient(case.c, x, J)
    state.x[:], state.J[:] = x, J
    for name in ("s", "S", "r", "R"):
        getattr(state, name)[...] = getattr(at, name)
    return state


def iterate_naively(case, x, J, moving=True):
    """One iteration of a case in plain NumPy: x+, J+."""
    if case.name == "ForwardBackward":
        z, Z = naive.forward_backward(case.c, case.steps, x, J)
        return (z if moving else x), Z
    return naive.descent(case.c, case.blocks, case.steps, x, J, moving)[:2]


def run_case(case, state, steps, progress=None, **policy):
    """Run the engine: its code, the rows of the trace that were written."""
    policy = {"tol": -1.0, "tangent_tol": 0.0, "patience": 0, "moving": True, **policy}
    trace = np.full((steps, 5), np.nan)
    code, done = run(
        case.algorithm, case.problem, case.d, state, case.m, Policy(steps, **policy),
        progress or Progress.start(), trace,
    )  # fmt: skip
    return code, trace[:done]
