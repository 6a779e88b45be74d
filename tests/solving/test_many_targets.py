"""Many targets on one X give what each gives alone."""

import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy import sparse

import fastpiggy as fp
from fastpiggy.solving import shared_gram, targets


def data(n, p, q, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.5 * rng.standard_normal((n, 1)) + 1.0
    B = np.zeros((p, q))
    B[:3] = rng.standard_normal((min(3, p), q))
    return X, X @ B + rng.standard_normal((n, q)) + 5.0, rng


def problems():
    X, Y, rng = data(40, 12, 8)
    V, U, _ = data(20, 50, 8, seed=1)
    w = rng.uniform(0.5, 2.0, 12)
    s = rng.integers(0, 4, 40).astype(float)
    free = w.copy()
    free[[2, 7]] = 0.0
    some = {"fit_intercept": True}
    return {
        "tall": (fp.lasso(X, Y[:, 0], 1.0, **some), Y),
        "no intercept": (fp.lasso(X, Y[:, 0], 1.0), Y),
        "weights": (fp.lasso(X, Y[:, 0], 1.0, weights=w, sample_weight=s, **some), Y),
        "unpenalised": (fp.lasso(X, Y[:, 0], 1.0, weights=free, **some), Y),
        "wide": (fp.lasso(V, U[:, 0], 1.0, **some), U),
        "rows": (fp.lasso(np.ascontiguousarray(V), U[:, 0], 1.0, **some), U),
        "float32": (fp.lasso(np.float32(V), U[:, 0], 1.0, **some), U),
        "sparse": (fp.lasso(sparse.csc_array(V * (V > 1.0)), U[:, 0], 1.0, **some), U),
        "scales": (fp.lasso(X * np.geomspace(1e-4, 1e4, 12), Y[:, 0], 1.0, **some), 1e6 * Y),
        "elastic net": (fp.elastic_net(X, Y[:, 0], 1.0, 0.6, weights=w, **some), Y),
        "wide elastic net": (fp.elastic_net(V, U[:, 0], 1.0, 0.3), U),
        "elastic net, unpenalised": (
            fp.elastic_net(X, Y[:, 0], 1.0, 0.6, weights=free, **some), Y
        ),
        "ridge": (fp.ridge(X, Y[:, 0], 1.0, sample_weight=s, **some), Y),
        "wide ridge": (fp.ridge(V, U[:, 0], 1.0, **some), U),
        "no l1 part": (fp.elastic_net(X, Y[:, 0], 1.0, 0.0), Y),
        "huber": (fp.huber(X, Y[:, 0], 1.0, delta=0.5), Y),
        "group lasso": (fp.group_lasso(X, Y[:, 0], 1.0, np.arange(12) // 3), Y),
    }  # fmt: skip


#: Those whose targets are solved apart.
APART = ("no l1 part", "huber", "group lasso")


def levels(problem, Y, parts=(0.5, 0.2, 0.05, 0.01)):
    found = []
    for t in range(Y.shape[1]):
        part = parts[t % len(parts)]
        try:
            found.append(part * problem.replace(y=Y[:, t]).alpha_max())
        except ValueError:
            found.append(part)
    return np.array(found)


@pytest.mark.parametrize("name", problems())
def test_every_target_has_the_numbers_of_a_solve_of_its_own(name, monkeypatch):
    problem, Y = problems()[name]
    alphas = levels(problem, Y)
    wrt = ["alpha", "l1_ratio"] if name.endswith("elastic net") else ["alpha"]
    alone = []
    one_by_one = targets._alone
    monkeypatch.setattr(
        targets, "_alone", lambda *a: alone.extend(a[3].tolist()) or one_by_one(*a)
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        found = fp.solve_many(problem, Y, wrt, alpha=alphas)
        assert len(alone) == (8 if name in APART else 0)
        for t, alpha in enumerate(alphas):
            one = fp.solve(problem.replace(y=Y[:, t], alpha=alpha), wrt)
            size = np.abs(one.x).max(initial=1e-300)
            x = found.coefficients[[t]].toarray()[0]
            rtol = 1e-7 if name in APART or "ridge" in name else 1e-10
            np.testing.assert_allclose(x, one.x, rtol=rtol, atol=rtol * size)
            np.testing.assert_allclose(
                found.intercepts[t], one.intercept, rtol=rtol, atol=rtol * np.abs(Y).max()
            )
            for key in wrt:
                J = one.jacobian[key]
                np.testing.assert_allclose(
                    found.jacobian[key][[t]].toarray()[0], J, rtol=rtol,
                    atol=10 * rtol * np.abs(J).max(initial=1e-300),
                )  # fmt: skip
                np.testing.assert_allclose(
                    found.intercept_jacobian[key][t], one.intercept_jacobian[key],
                    rtol=rtol, atol=100 * rtol * (np.abs(J).max() + 1.0),
                )  # fmt: skip
            assert found.statuses[t] == one.certificate.status
            assert found.optimality[t] <= max(1e-9, 10 * one.certificate.floor)
    np.testing.assert_array_equal(found.alphas, alphas)
    assert len(found) == 8 and repr(found).startswith("<TargetSolutions of 8 targets in ")
    again = pickle.loads(pickle.dumps(found))
    assert (again.coefficients != found.coefficients).nnz == 0


def test_derivatives_are_central_differences():
    problem, Y = problems()["tall"]
    alphas, h = levels(problem, Y), 1e-6
    found = fp.solve_many(problem, Y, "alpha", alpha=alphas)
    up, down = (fp.solve_many(problem, Y, alpha=alphas * (1 + side * h)) for side in (1, -1))
    assert np.array_equal(up.coefficients.toarray() != 0, down.coefficients.toarray() != 0)
    slopes = (up.coefficients - down.coefficients).toarray() / (2 * h * alphas[:, None])
    J = found.jacobian["alpha"].toarray()
    np.testing.assert_allclose(J, slopes, atol=1e-6 * np.abs(J).max())
    slopes = (up.intercepts - down.intercepts) / (2 * h * alphas)
    np.testing.assert_allclose(found.intercept_jacobian["alpha"], slopes, atol=1e-6)


def test_a_shared_alpha_and_the_problems_own():
    problem, Y = problems()["tall"]
    own = fp.solve_many(problem.replace(alpha=0.3), Y)
    given = fp.solve_many(problem, Y, alpha=0.3)
    assert own.jacobian == {} and np.all(own.alphas == 0.3)
    np.testing.assert_array_equal(own.coefficients.toarray(), given.coefficients.toarray())


def test_after_a_search_the_same_solutions():
    problem, Y = problems()["tall"]
    tuned = fp.tune_many(problem, Y)
    found = fp.solve_many(problem, Y, alpha=tuned.alphas)
    np.testing.assert_allclose(
        found.coefficients.toarray(), tuned.coefficients.toarray(), atol=1e-10
    )
    np.testing.assert_allclose(found.intercepts, tuned.intercepts, atol=1e-9)


def test_blocks_and_threads_give_the_same(monkeypatch):
    problem, Y = problems()["wide"]
    alphas = levels(problem, Y)
    whole = fp.solve_many(problem, Y, "alpha", alpha=alphas)
    monkeypatch.setattr(targets, "_MOST", 3)
    for n_jobs in (1, 2):
        parts = fp.solve_many(problem, Y, "alpha", alpha=alphas, n_jobs=n_jobs)
        np.testing.assert_allclose(
            parts.coefficients.toarray(), whole.coefficients.toarray(), atol=1e-12
        )
        np.testing.assert_allclose(
            parts.jacobian["alpha"].toarray(), whole.jacobian["alpha"].toarray(), atol=1e-11
        )


def test_what_the_loop_cannot_vouch_for_is_solved_alone_and_counted(monkeypatch):
    Y = np.array([[3.0, 3.0], [1.0, 0.3]])
    monkeypatch.setattr(shared_gram, "WORTH", 2)
    with pytest.warns(fp.FastpiggyWarning) as caught:
        found = fp.solve_many(fp.lasso(np.eye(2), Y[:, 0], 0.5), Y, "alpha")
    assert len(caught) == 1 and caught[0].filename == __file__
    message = str(caught[0].message)
    assert "1 of 2 targets has another status" in message
    assert "1 at_kink (first target 0)" in message
    assert found.statuses.tolist() == ["at_kink", "converged"]
    X, Y, _ = data(30, 6, 3)
    X[:, 1] = X[:, 0]
    with pytest.warns(fp.FastpiggyWarning, match="3 of 3 .*singular_active_set"):
        fp.solve_many(fp.lasso(X, Y[:, 0], 1e-3), Y)
    # Room that is too small.
    problem, U = problems()["wide"]
    alphas = levels(problem, U)
    whole = fp.solve_many(problem, U, alpha=alphas)
    monkeypatch.setattr(shared_gram, "ROOM", 36)
    small = fp.solve_many(problem, U, alpha=alphas)
    assert set(small.statuses) == {"converged"}
    np.testing.assert_allclose(
        small.coefficients.toarray(), whole.coefficients.toarray(), atol=1e-10
    )


def test_few_targets_of_many_columns_share_no_gram(monkeypatch):
    monkeypatch.setattr(shared_gram, "WORTH", 1)
    monkeypatch.setattr(shared_gram, "gram", None)
    problem, Y = problems()["wide"]
    found = fp.solve_many(problem, Y, alpha=levels(problem, Y))
    assert set(found.statuses) == {"converged"}


def test_alpha_zero_and_above_alpha_max():
    problem, Y = problems()["tall"]
    tops = levels(problem, Y, (1.0,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        found = fp.solve_many(problem, Y, alpha=np.where(np.arange(8) % 2, 0.0, 2 * tops))
    assert found.coefficients[::2].nnz == 0
    np.testing.assert_allclose(found.intercepts[::2], Y.mean(axis=0)[::2])
    X = problem.design.X - problem.design.X.mean(axis=0)
    wanted = np.linalg.lstsq(X, Y - Y.mean(axis=0), rcond=None)[0].T
    np.testing.assert_allclose(found.coefficients[1::2].toarray(), wanted[1::2], atol=1e-6)


def test_bad_arguments_are_named():
    problem, Y = problems()["tall"]
    labels = fp.logistic(problem.design.X, Y[:, 0] > 5.0, 1.0)
    for arguments, options, kind, message in [
        ((problem, Y[:, 0]), {}, ValueError, "Y must have shape"),
        ((problem, Y * np.nan), {}, ValueError, "Y must be finite.*column 0, row 0"),
        ((problem, Y), {"alpha": np.ones(3)}, ValueError, "alpha must be a number or have shape"),
        ((problem, Y), {"alpha": -1.0}, ValueError, "alpha must be finite and not negative"),
        ((problem, Y), {"alpha": [np.nan] + [1.0] * 7}, ValueError, "got nan for target 0"),
        ((problem, Y, "weights"), {}, ValueError, "wrt must name numbers .*'alpha'.*'weights'"),
        ((problem, Y, {"alpha": [1.0]}), {}, TypeError, "wrt must be a name or names"),
        ((problem, Y, 3), {}, TypeError, "wrt must be a name or names"),
        ((labels, Y), {}, ValueError, "labels"),
        ((fp.trend_filter(Y[:, 0], 1.0), Y), {}, TypeError, "Y is for a problem with rows"),
        ((problem, Y), {"n_jobs": 0}, ValueError, "n_jobs must be"),
        ((problem,), {}, TypeError, "one with many targets needs Y"),
        (([problem],), {"alpha": 1.0}, TypeError, "alpha= is for one problem with Y"),
        (([problem], Y, "alpha"), {}, TypeError, "Y is for one problem"),
    ]:
        with pytest.raises(kind, match=message):
            fp.solve_many(*arguments, **options)
    box = fp.Problem(
        fp.losses.LeastSquares(Y[:, 0], np.full(40, 1 / 40)),
        fp.penalties.Box(np.zeros(12), np.ones(12)), problem.design.X,
    )  # fmt: skip
    with pytest.raises(ValueError, match="alpha must be None"):
        fp.solve_many(box, Y, alpha=1.0)
    assert fp.solve_many(box, Y[:, :2]).alphas is None


TINY = """
import sys
import numpy as np
import fastpiggy as fp
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((12, 6)), rng.standard_normal((12, 3))
Y += 2.0 * X[:, :3]
problem = fp.elastic_net(X, Y[:, 0], 0.1, 0.8, weights=[0, 1, 1, 1, 1, 1], fit_intercept=True)
found = fp.solve_many(problem, Y, "alpha", alpha=[0.3, 0.1, 0.02])
np.savez(sys.argv[1], x=found.coefficients.toarray(), J=found.jacobian["alpha"].toarray())
"""


@pytest.mark.compiled
def test_without_compiling(tmp_path):
    found = []
    for name, off in (("compiled", "0"), ("plain", "1")):
        path = tmp_path / f"{name}.npz"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", TINY, str(path)],
            env={**os.environ, "NUMBA_DISABLE_JIT": off}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(dict(np.load(path)))
    for name in ("x", "J"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-11, atol=1e-12)
