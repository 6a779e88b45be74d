"""Implicit differentiation: against dense solves, in every storage; where it must say no."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import fastpiggy as fp

rng = np.random.default_rng(0)
P, Q = 30, 4
GENERAL = rng.standard_normal((P, P)) / 8 + 2 * np.eye(P)
SYMMETRIC = GENERAL @ GENERAL.T
B = rng.standard_normal((P, Q))
V = rng.standard_normal((P, 2))
STORAGES = {"dense": np.asarray, "sparse": sparse.csr_array, "operator": aslinearoperator}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("fixed_point", [False, True])
@pytest.mark.parametrize("symmetric", [False, True])
def test_against_dense_solves(storage, fixed_point, symmetric):
    A = SYMMETRIC / 30 if symmetric else GENERAL / 5
    K = np.eye(P) - A if fixed_point else A
    J = np.linalg.solve(K, B) * (1 if fixed_point else -1)
    made, options = STORAGES[storage], {"fixed_point": fixed_point}
    if storage == "operator":
        options["symmetric"] = symmetric
    forward = fp.implicit.jvp(made(A), made(B), **options)
    np.testing.assert_allclose(forward.value, J, rtol=1e-8, atol=1e-9)
    one = fp.implicit.jvp(made(A), made(B), np.arange(4.0), **options)
    np.testing.assert_allclose(one.value, J @ np.arange(4.0), rtol=1e-8, atol=1e-9)
    back = fp.implicit.vjp(made(A), made(B), V, **options)
    np.testing.assert_allclose(back.value, J.T @ V, rtol=1e-8, atol=1e-9)
    expected = "direct" if storage != "operator" else "cg" if symmetric else "gmres"
    assert forward.method == back.method == expected
    assert forward.status == "converged" and forward.residual < 1e-10
    least = np.linalg.svd(K, compute_uv=False)[-1]
    rough = storage == "operator"
    assert forward.estimated == rough
    assert 0.999 * least <= forward.smallest_singular_value <= (1.5 if rough else 1.001) * least


def test_the_residual_is_that_of_the_solve():
    found = fp.implicit.jvp(aslinearoperator(GENERAL), B, np.eye(Q)[0], tol=1e-4)
    rest = np.linalg.norm(GENERAL @ found.value + B[:, 0]) / np.linalg.norm(B[:, 0])
    assert 1e-12 < rest < 1e-3
    np.testing.assert_allclose(found.residual, rest, rtol=1e-6)


@pytest.mark.parametrize("method", ["cg", "gmres", "lsmr"])
def test_methods_by_name(method):
    found = fp.implicit.jvp(SYMMETRIC, B, method=method)
    assert found.method == method
    np.testing.assert_allclose(found.value, -np.linalg.solve(SYMMETRIC, B), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("storage", STORAGES)
def test_singular_is_named(storage):
    A = np.diag([1.0, 0.0, 2.0])
    with pytest.warns(fp.FastpiggyWarning, match="along coordinates 1"):
        found = fp.implicit.jvp(STORAGES[storage](A), np.ones((3, 1)))
    assert found.status == "singular_active_set" and list(found.offending) == [1]
    np.testing.assert_allclose(found.value[:, 0], [-1.0, 0.0, -0.5], atol=1e-6)


def test_large_sparse_is_estimated():
    n = 900
    good = sparse.diags_array(np.linspace(0.01, 2.0, n), format="csc")
    found = fp.implicit.vjp(good, sparse.eye_array(n), np.ones(n))
    assert found.estimated and 0.0099 < found.smallest_singular_value < 0.02
    twin = sparse.block_diag([np.ones((2, 2)), sparse.eye_array(n - 2)], format="csc")
    with pytest.warns(fp.FastpiggyWarning, match="along coordinates 0, 1:"):
        assert fp.implicit.jvp(twin, np.ones((n, 1))).status == "singular_active_set"


def test_selections_at_kinks():
    """relu(x - u) - 2 relu(u - x): slopes 1 and 2 at x = u; then relu(x - u) - relu(u - x)'s twin
    with slopes of both signs, singular in between; and one that is singular at a corner."""
    one = np.ones((1, 1))
    good = fp.implicit.jvp(one, -one, at_kinks=lambda q: one * (1 + q[0]), kinks=1)
    assert good.status == "at_kink" and good.smallest_singular_value == 1.0
    assert good.value == [[1.0]]
    for slopes, where in ((lambda q: 1 - 2 * q, 0.5), (lambda q: 1 - q, 1.0)):
        with pytest.warns(fp.FastpiggyWarning, match="for the selection"):
            bad = fp.implicit.jvp(one, -one, at_kinks=lambda q, s=slopes: one * s(q[0]), kinks=1)
        assert bad.status == "singular_active_set" and bad.selection == pytest.approx([where])
    # Of many kinks the two ends and a sample.
    size = 12
    with warnings.catch_warnings(action="ignore"):
        many = fp.implicit.jvp(
            np.eye(size), np.eye(size), at_kinks=lambda q: np.diag(1 - q), kinks=size
        )
    assert many.status == "singular_active_set"


def test_monotone_equilibrium():
    """z = relu(W z + b): (I - D W)^-1 D, invertible for every selection (papers, 4.2)."""
    Pm, R = rng.standard_normal((8, 8)) / 4, rng.standard_normal((8, 8)) / 4
    W = 0.5 * np.eye(8) - Pm.T @ Pm + R - R.T
    b, z = rng.standard_normal(8), np.zeros(8)
    for _ in range(3000):
        z = np.maximum(0.9 * z + 0.1 * (W @ z + b), 0)
    D = np.diag(1.0 * (W @ z + b > 0))
    found = fp.implicit.jvp(D @ W, D, fixed_point=True)
    step, J = 1e-6, np.empty((8, 8))
    for j in range(8):
        ends = []
        for sign in (1, -1):
            u = z.copy()
            for _ in range(3000):
                u = np.maximum(0.9 * u + 0.1 * (W @ u + b + sign * step * np.eye(8)[j]), 0)
            ends.append(u)
        J[:, j] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(found.value, J, atol=1e-7)
    worst = fp.implicit.jvp(D @ W, D, fixed_point=True, at_kinks=lambda q: q[:, None] * W, kinks=8)
    assert worst.status == "at_kink" and worst.smallest_singular_value > 0.1


@pytest.mark.parametrize(
    ("error", "arguments", "options", "words"),
    [
        (ValueError, (np.ones((2, 3)), np.ones((2, 1))), {}, "A must be square"),
        (ValueError, (np.eye(2), np.ones((3, 1))), {}, "B must have 2 rows"),
        (ValueError, ([[np.nan]], [[1.0]]), {}, "A must be finite"),
        (ValueError, (np.eye(2), np.eye(2), np.ones(3)), {}, "must have shape"),
        (ValueError, (np.eye(2), np.eye(2), np.ones(2)), {"method": "lu"}, "method must be one"),
        (ValueError, (np.eye(2), np.eye(2), np.ones(2)), {"kinks": 2}, "go together"),
        (ValueError, (aslinearoperator(np.eye(2)), np.eye(2), np.ones(2)), {"method": "direct"},
         'not be "direct"'),
        (ValueError, (LinearOperator((2, 2), matvec=lambda v: v, dtype=float), np.eye(2),
         np.ones(2)), {}, "rmatvec"),
    ],
)  # fmt: skip
def test_bad_input(error, arguments, options, words):
    arguments = arguments if len(arguments) == 3 else (*arguments, np.ones(len(arguments[0])))
    with pytest.raises(error, match=words):
        fp.implicit.vjp(*arguments, **options)
