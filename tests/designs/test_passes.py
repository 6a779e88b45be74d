"""The passes over X in every storage against dense matrix products.

Centred designs have means that are not zero, float32 ones sums in float64, and the numbers of rows
and tangents leave a rest after the blocks of four and the pairs that kernels work in.
"""

from itertools import product
from types import SimpleNamespace

import naive
import numpy as np
import pytest
from tables import DESIGNS, LOSSES, dense, directions, make_design, naive_case

from fastpiggy.algorithms.composite import Composite, CompositeDirections, gradient
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.compile import kernel, roles
from fastpiggy.compile.flags import COMPILED
from fastpiggy.designs import Fixed, Moving
from fastpiggy.losses import Constant
from fastpiggy.penalties import SquaredL2

SHAPES = [(1, 1), (1, 4), (5, 1), (4, 3), (7, 5), (10, 4)]
TANGENTS = [0, 1, 2, 3, 5]
#: Each compiles for itself, the bare designs inside the centred ones; in plain Python all run.
CASES = [
    ("centred rows", "Huber", True),
    ("centred dense", "Logistic", True),
    ("centred sparse", "Huber", True),
    ("rows32", "LeastSquares", False),
    ("dense32", "LeastSquares", False),
    ("sparse32", "LeastSquares", False),
]
if not COMPILED:
    CASES = list(product(DESIGNS, LOSSES, [True, False]))
# One row or column is contiguous both ways, which compiles once more.
SHAPES_OF = {"centred dense": SHAPES[3:]} if COMPILED else {}
COLUMNS = [case for case in CASES if "rows" not in case[0]]
storages = pytest.mark.parametrize(("design", "loss", "moves"), CASES)
columns = pytest.mark.parametrize(("design", "loss", "moves"), COLUMNS)


def make(design, loss, moves, n, p, m, seed=0):
    """A design with a loss, at a point with tangents, and what NumPy makes of it."""
    rng = np.random.default_rng([seed, n, p, m])
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.7)
    design, f, g = make_design(design, X), LOSSES[loss](rng, n), SquaredL2(0.0)
    dX = Moving(rng.standard_normal((m, n, p))) if moves else Fixed()
    df = directions(f, rng, m) if moves else Constant()
    d = CompositeDirections(dX, df, SquaredL2(np.zeros(m)), np.zeros(m))
    size = p + design.free()
    problem = Composite(design, f, g, np.zeros(size))
    x, J = rng.standard_normal(size), rng.standard_normal((m, size))
    x[0], J[:, 0] = 0.0, 0.0  # passes by columns leave these out
    c = naive_case(problem, d)
    return SimpleNamespace(problem=problem, d=d, x=x, J=J, c=c, at=naive.gradient(c, x, J))


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@storages
def test_gradient(design, loss, moves):
    for (n, p), m in product(SHAPES_OF.get(design, SHAPES), TANGENTS):
        case = make(design, loss, moves, n, p, m)
        state = iterate(n, case.x.size, m)
        # What was there before must not matter.
        for array in state:
            array[...] = 7.0
        state.x[:], state.J[:] = case.x, case.J
        gradient(case.problem, case.d, state, m)
        for name in ("s", "S", "r", "R", "g", "G"):
            close(getattr(state, name), getattr(case.at, name))
        np.testing.assert_array_equal(state.x, case.x)
        np.testing.assert_array_equal(state.J, case.J)


@kernel
def dot(design, j, shift, r):
    return design.dot(j, shift, r)


@kernel
def advance(design, j, shift, c, C, m, loss, d, dX, s, r, S, R):
    design.advance(j, shift, c, C, m, loss, d, dX, s, r, S, R)


@columns
def test_dot(design, loss, moves):
    for n, p in SHAPES_OF.get(design, SHAPES):
        case = make(design, loss, moves, n, p, 0)
        r = np.random.default_rng(n).standard_normal(n)
        A = dense(case.problem.design)
        for j in range(A.shape[1]):
            close(dot(case.problem.design, j, 0.0, r), A[:, j] @ r)
            if not case.problem.design.free():
                shift = np.float64(0.3)
                close(dot(case.problem.design, j, shift, r), (A[:, j] - shift) @ r)


@columns
def test_advance(design, loss, moves):
    for (n, p), m in product(SHAPES_OF.get(design, SHAPES), TANGENTS):
        check_advance(make(design, loss, moves, n, p, m), np.float64(0.0), moves)
        if "centred" not in design:
            check_advance(make(design, loss, moves, n, p, m), np.float64(0.3), moves)


def check_advance(case, shift, moves):
    c, x, design, loss = case.c, case.x, case.problem.design, case.problem.loss
    rng, m = np.random.default_rng(x.size), len(case.J)
    s, S, r, R = (np.array(getattr(case.at, name)) for name in ("s", "S", "r", "R"))
    for j in range(x.size):
        column = c.A[:, j] - shift
        # Also held, as when only tangents move.
        for step in (np.float64(rng.standard_normal()), np.float64(0.0)):
            C = rng.standard_normal(m)
            wanted = s + step * column, S + np.outer(C, column) + step * c.dA[:, :, j]
            advance(design, j, shift, step, C, m, loss, case.d.loss, case.d.design, s, r, S, R)
            slopes = c.loss.curvature(wanted[0], c.p_loss) * wanted[1]
            close(r, c.loss.slope(wanted[0], c.p_loss))
            close(R, slopes + c.loss.dslope(wanted[0], c.p_loss, c.d_loss))
            if moves or not loss.quadratic():
                close(s, wanted[0])
                close(S, wanted[1])
            s, S = wanted


@pytest.mark.parametrize("design", ["centred sparse"] if COMPILED else DESIGNS)
@pytest.mark.parametrize("part", ["design", "loss"])
def test_one_part_moves(design, part):
    """X without the loss, and the loss without X: the slopes then cannot do without the states."""
    case = make(design, "LeastSquares", True, 7, 5, 3)
    held = Fixed() if part == "design" else Constant()
    d = case.d._replace(**{part: held})
    c = naive_case(case.problem, d)
    at, state = naive.gradient(c, case.x, case.J), iterate(7, case.x.size, 3)
    state.x[:], state.J[:] = case.x, case.J
    gradient(case.problem, d, state, 3)
    for name in ("s", "S", "r", "R", "g", "G"):
        close(getattr(state, name), getattr(at, name))
    if "rows" not in design:
        check_advance(
            SimpleNamespace(**{**vars(case), "d": d, "c": c, "at": at}), np.float64(0.0), True
        )


@pytest.mark.parametrize("design", ["centred rows", "centred sparse"])
def test_read_only_data(design):
    """The same code serves read-only arrays, and writes nothing to them."""
    loss, moves = "Huber", True
    case = make(design, loss, moves, 7, 5, 2)
    inner = getattr(case.problem.design, "design", case.problem.design)
    arrays = [a for part in (inner, case.problem.loss, case.d.design, case.d.loss) for a in part]
    arrays.append(case.problem.selection)
    compiled = len(getattr(gradient, "signatures", ()))
    state = iterate(7, case.x.size, 2)
    state.x[:], state.J[:] = case.x, case.J
    gradient(case.problem, case.d, state, 2)
    wanted = state.g.copy(), state.G.copy(), len(getattr(gradient, "signatures", ()))
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    gradient(case.problem, case.d, state, 2)
    np.testing.assert_array_equal(state.g, wanted[0])
    np.testing.assert_array_equal(state.G, wanted[1])
    assert len(getattr(gradient, "signatures", ())) == wanted[2] <= compiled + 1


def test_nan_and_infinity_survive_the_product():
    """A finite gradient proves X finite: what checks of the data rest on."""
    names = ["rows32", "dense32", "sparse32"]
    for design, bad in product(names, [np.nan, np.inf, -np.inf]):
        for n in (4, 6):
            case = make(design, "LeastSquares", False, n, 3, 0)
            matrix = case.problem.design[0]
            matrix[(-1, 1) if matrix.ndim == 2 else -1] = bad
            state = iterate(n, 3, 0)
            with np.errstate(invalid="ignore"):
                gradient(case.problem, case.d, state, 0)
            assert not np.isfinite(state.g).all()


def test_only_designs_by_column_say_so():
    for name in DESIGNS:
        found = roles(make_design(name, np.ones((2, 2))))
        assert found == (("Design",) if "rows" in name else ("Columns", "Design"))
