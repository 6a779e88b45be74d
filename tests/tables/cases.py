"""Problems at random for an algorithm, as kernels see them and as naive does."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import naive
import numpy as np

from fastpiggy.algorithms.block_descent import BlockDescent
from fastpiggy.algorithms.composite import Composite, CompositeDirections
from fastpiggy.algorithms.coordinate_descent import CoordinateDescent
from fastpiggy.algorithms.engine import Policy, Progress, run
from fastpiggy.algorithms.forward_backward import ForwardBackward
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.compile import roles
from fastpiggy.designs import Fixed, Moving
from fastpiggy.losses import Constant
from tables.designs import dense, make_design
from tables.losses import LABELLED, LOSSES
from tables.penalties import PENALTIES
from tables.records import directions, zeros


def make_case(algorithm, design, loss, penalty, moves=True, seed=0, n=15, p=5, m=3):
    """One problem with random directions of everything, as kernels see it and as naive does.

    Where X and the loss do not move, kernels know it by type.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.7)
    design, f = make_design(design, X), LOSSES[loss](rng, n)
    # A signal, so that every penalty leaves some; labels that no plane separates.
    target = X @ np.resize([0.3, 1.5, 0.0, 1.2, 0.1], p) + 0.5 * f.y
    f = f._replace(
        y=np.where(target > 0.5, 1.0, -1.0) * np.sign(rng.random(n) - 0.2)
        if loss in LABELLED
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
    """A problem with an algorithm for it, and the same for naive."""
    c, parts = naive_case(problem, d), steps_of(algorithm, problem)
    return SimpleNamespace(problem=problem, d=d, m=d.step.size, c=c, name=algorithm, **parts)


def naive_case(problem: Any, d: Any) -> Any:
    """The same problem for naive."""
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
