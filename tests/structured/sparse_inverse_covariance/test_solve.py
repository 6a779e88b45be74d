"""Sparse inverse covariance: against scikit-learn, closed forms, differences, and its own map."""

import pickle
from functools import cache

import numpy as np
import pytest
from tables.covariances import FUSED, covariance, problem, relative, violation

import fastpiggy as fp
from fastpiggy.structured.sparse_inverse_covariance import newton, support


@cache
def direction():
    D = np.random.default_rng(1).standard_normal((10, 10))
    return D + D.T


def linear_solve(P, dS, dA):
    """``(W dP W)_E = -(dS + dA o sign(P))_E``, as one dense system."""
    W, on, signs = np.linalg.inv(P), np.flatnonzero(P), np.sign(P)
    np.fill_diagonal(signs, 0.0)
    found = np.zeros(P.size)
    K = np.kron(W, W)[np.ix_(on, on)]
    found[on] = -np.linalg.solve(K, (dS + dA * signs).ravel()[on])
    return found.reshape(P.shape)


def quotient(at, name, along, h):
    value = at.parameters[name]
    up, down = (fp.solve(at.replace(**{name: value + e * along})).x for e in (h, -h))
    assert np.array_equal(up != 0, down != 0), "the difference crosses a kink"
    return (up - down) / (2 * h)


def test_solution_meets_the_conditions_and_is_positive_definite():
    at = problem()
    sol = fp.solve(at)
    assert sol.certificate.status == "converged"
    assert violation(sol.x, at.S, at.penalties) < 1e-9
    assert np.linalg.eigvalsh(sol.x)[0] > 0 and np.array_equal(sol.x, sol.x.T)
    sparse = np.count_nonzero(sol.x == 0)
    assert 20 < sparse < 80, "zeros and entries, else the case teaches nothing"
    value = np.vdot(at.S, sol.x) - np.linalg.slogdet(sol.x)[1]
    value += 0.15 * (np.abs(sol.x).sum() - np.trace(sol.x))
    assert sol.objective == pytest.approx(value, rel=1e-12)


def test_solution_is_that_of_scikit_learn():
    graphical_lasso = pytest.importorskip("sklearn.covariance").graphical_lasso
    _, wanted = graphical_lasso(
        np.array(covariance()), 0.15, tol=1e-8, enet_tol=1e-12, max_iter=500
    )
    np.testing.assert_allclose(fp.solve(problem()).x, wanted, atol=1e-6)


@pytest.mark.parametrize("correlation", [False, True])
def test_three_witnesses(correlation):
    """The dense system, central differences, and Douglas-Rachford's recursion."""
    at, dS = problem(correlation=correlation), direction()
    wrt = {"alpha": None, "S": dS}
    sol = fp.solve(at, wrt=wrt)
    assert sol.certificate.status == "converged" and sol.certificate.certified
    fused = fp.solve(at, wrt=wrt, tol=1e-11, **FUSED)
    assert fused.certificate.status == "converged"
    scale = np.sqrt(np.outer(np.diag(at.S), np.diag(at.S))) if correlation else np.ones(at.shape)
    share = np.diag(dS) / np.diag(at.S) / 2 if correlation else np.zeros(10)
    moves = {
        "alpha": (0.0, scale),
        "S": (dS, 0.15 * scale * (share[:, None] + share)),
    }
    for name, along in (("alpha", 1.0), ("S", dS)):
        wanted = linear_solve(sol.x, *moves[name])
        size = np.linalg.norm(wanted)
        error = np.linalg.norm(sol.jacobian[name] - wanted)
        assert error < 1e-10 * size and error <= sol.certificate.tangent_error + 1e-13 * size
        assert relative(quotient(at, name, along, 1e-6), wanted) < 1e-6
        assert relative(fused.jacobian[name], wanted) < 1e-7
        assert np.linalg.norm(fused.jacobian[name] - wanted) <= (
            fused.certificate.tangent_error + 1e-13 * size
        )


@pytest.mark.parametrize("correlation", [False, True])
def test_vjp(correlation):
    at = problem(correlation=correlation)
    sol = fp.solve(at, wrt={"alpha": None, "S": direction()})
    v = np.random.default_rng(2).standard_normal(at.shape)
    found = sol.vjp(v)
    assert found["alpha"] == pytest.approx(np.vdot(v, sol.jacobian["alpha"]), rel=1e-10)
    assert np.array_equal(found["S"], found["S"].T)
    along = np.vdot(found["S"], direction())
    assert along == pytest.approx(np.vdot(v, sol.jacobian["S"]), rel=1e-10)
    again = pickle.loads(pickle.dumps(sol))
    assert again.vjp(v)["alpha"] == pytest.approx(found["alpha"], rel=1e-9)


def test_matrix_of_penalties():
    """With zeros, whose entries are free: along a direction, whole, and by vjp."""
    rng = np.random.default_rng(3)
    A = 0.15 * (0.7 + rng.random((10, 10)))
    A = 0.5 * (A + A.T)
    A[0, 1] = A[1, 0] = A[2, 7] = A[7, 2] = 0.0
    at, dA = problem().replace(alpha=A), direction() * (A > 0)
    sol = fp.solve(at, wrt="alpha")
    assert sol.x[0, 1] != 0 and violation(sol.x, at.S, at.penalties) < 1e-9
    assert sol.jacobian["alpha"].shape == (10, 10, 10, 10)
    along = np.tensordot(sol.jacobian["alpha"], dA, 2)
    assert relative(along, linear_solve(sol.x, 0.0, dA)) < 1e-9
    assert relative(along, quotient(at, "alpha", dA, 1e-7)) < 1e-6
    fused = fp.solve(at, wrt={"alpha": dA}, tol=1e-11, **FUSED)
    assert relative(fused.jacobian["alpha"], along) < 1e-7
    v = rng.standard_normal(at.shape)
    assert np.vdot(sol.vjp(v)["alpha"], dA) == pytest.approx(np.vdot(v, along), rel=1e-9)


def test_all_modes_agree():
    at = problem()
    wanted = fp.solve(at, wrt="alpha").jacobian["alpha"]
    found = {
        mode: fp.solve(at, wrt="alpha", algorithm="douglas_rachford", derivative=mode, tol=1e-11)
        for mode in ("piggyback", "late", "frozen", "implicit", "one_step")
    }
    for mode in ("piggyback", "late", "frozen", "implicit"):
        assert found[mode].certificate.status == "converged"
        assert relative(found[mode].jacobian["alpha"], wanted) < 1e-7, mode
    # One step from a tangent of zero is not the derivative, and the certificate knows.
    one = found["one_step"]
    error = np.linalg.norm(one.jacobian["alpha"] - wanted)
    assert 0.01 * np.linalg.norm(wanted) < error <= one.certificate.tangent_error


def test_step_and_start_leave_no_derivative():
    at = problem()
    wrt = {"step": None, "x0": direction()}
    sol = fp.solve(at, wrt=wrt, tol=1e-11, **FUSED)
    assert np.abs(sol.jacobian["step"]).max() < 1e-8
    assert np.abs(sol.jacobian["x0"]).max() < 1e-8


def test_iterate_and_tangent_contract_at_one_rate():
    """A chain of 20 variables: 0.794 an iteration at step 1 (section 5 of the paper's checks)."""
    Theta = np.eye(20) + 0.4 * (np.eye(20, k=1) + np.eye(20, k=-1))
    rng = np.random.default_rng(0)
    rows = rng.multivariate_normal(np.zeros(20), np.linalg.inv(Theta), size=200)
    at = fp.sparse_inverse_covariance(None, 0.05, data=rows)
    # Frozen: along with the iterates the tangent's error is k rho^k.
    sol = fp.solve(at, wrt="alpha", algorithm=fp.DouglasRachford(step=1.0),
                   derivative="frozen", trace=True, tol=1e-10)  # fmt: skip
    assert sol.certificate.status == "converged"
    assert 0.7 < sol.trace.rate < 0.9
    assert sol.trace.tangent_rate == pytest.approx(sol.trace.rate, rel=0.01)


def test_relaxation_and_step_change_the_way_only():
    at = problem()
    wanted = fp.solve(at, wrt="alpha")
    found = fp.solve(at, wrt="alpha", algorithm=fp.DouglasRachford(step=0.6, relaxation=1.5),
                     derivative="piggyback", tol=1e-11)  # fmt: skip
    assert relative(found.x, wanted.x) < 1e-9
    assert relative(found.jacobian["alpha"], wanted.jacobian["alpha"]) < 1e-7


def test_warm_start_costs_nothing():
    at = problem()
    sol = fp.solve(at)
    assert fp.solve(at, x0=sol).cost.sweeps == 0
    near = fp.solve(at.replace(alpha=0.151), x0=sol.x)
    assert near.cost.sweeps <= 3
    assert relative(near.x, fp.solve(at.replace(alpha=0.151)).x) < 1e-9
    warm = fp.solve(at, wrt="alpha", x0=sol, tol=1e-11, **FUSED)
    assert relative(warm.x, sol.x) < 1e-9


def test_kink_at_alpha_max():
    """The one-sided derivatives by the selections 0 and 1; in between as the recursion has it."""
    at = problem()
    top = at.alpha_max()
    assert top == np.abs(at.S - np.diag(np.diag(at.S))).max()
    at = at.replace(alpha=top)
    with pytest.warns(fp.FastpiggyWarning, match="kink"):
        above = fp.solve(at, wrt="alpha")
    assert above.certificate.status == "at_kink" and above.certificate.kinks.size == 1
    np.testing.assert_allclose(above.x, np.diag(1 / np.diag(at.S)), rtol=1e-12)
    assert not above.jacobian["alpha"].any()
    with pytest.warns(fp.FastpiggyWarning):
        below = fp.solve(at, wrt="alpha", selection=1.0).jacobian["alpha"]
    h = 1e-6
    slope = (above.x - fp.solve(at.replace(alpha=top - h)).x) / h
    assert relative(below, slope) < 1e-4
    with pytest.warns(fp.FastpiggyWarning):
        half = fp.solve(at, wrt="alpha", selection=0.5).jacobian["alpha"]
    i, j = np.unravel_index(above.certificate.kinks[0], at.shape)
    assert 0 < abs(half[i, j]) < abs(below[i, j])


def test_margin_is_where_the_support_changes():
    at = problem()
    sol = fp.solve(at, wrt="alpha")
    down, up = sol.certificate.margin
    assert down > 0 and up > 0
    for side in (-down, up):
        inside, beyond = (fp.solve(at.replace(alpha=0.15 + t * side)).x != 0 for t in (0.9, 1.1))
        assert np.array_equal(inside, sol.x != 0) and not np.array_equal(beyond, sol.x != 0)


@pytest.mark.compiled
@pytest.mark.parametrize("full", [False, True])
def test_kernels_of_the_support_in_plain_python(full):
    """Conjugate gradients through loops and through dense products, and descent, both ways."""
    P = fp.solve(problem()).x
    W, rng = np.linalg.inv(P), np.random.default_rng(4)
    rows, columns = newton.pairs(np.ones_like(P, dtype=bool) if full else P != 0)
    R, curb = rng.standard_normal((2, rows.size)), rng.uniform(0.0, 1.0, rows.size)
    found = []
    for kernel in (support.conjugate_gradients, support.conjugate_gradients.py_func):
        X = np.zeros_like(R)
        kernel(W, P, rows, columns, curb, R, X, 1e-13, 200)
        found.append(X)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-12)
    D = np.zeros((2, *P.shape))
    D[:, rows, columns] = D[:, columns, rows] = found[0]
    left = (W @ D @ W)[:, rows, columns] + curb * found[0] - R
    assert np.abs(left).max() < 1e-9
