"""Many targets at once, against a search for each."""

import json
import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse

import fastpiggy as fp
from fastpiggy.active_set.work import OVERLOOKED
from fastpiggy.tuning import target_blocks


def data(n, p, q, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.5 * rng.standard_normal((n, 1)) + 1.0
    B = np.zeros((p, q))
    B[:4] = rng.standard_normal((4, q))
    return X, X @ B + rng.uniform(0.3, 3.0, q) * rng.standard_normal((n, q)) + 5.0, rng


def many(problem, Y, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        return fp.tune_many(problem, Y, **arguments)


def agree(result, problem, Y, cv=5, bounds=None, rtol=1e-9):
    """Every number is that of a search for the target alone."""
    for t in range(Y.shape[1]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            one = fp.tune(fp.CrossVal(problem.replace(y=Y[:, t]), cv), bounds=bounds)
        if one.method == "slopes":
            # Its search has a tolerance in alpha; what it finds is no better.
            exact = fp.CrossVal(problem.replace(y=Y[:, t]), cv).along(
                {"alpha": result.alphas[t]}, ()
            )
            np.testing.assert_allclose(result.values[t], exact.value, rtol=1e-9)
            np.testing.assert_allclose(result.alphas[t], one.params["alpha"], rtol=1e-3)
            assert result.values[t] <= one.value * (1.0 + 1e-9)
            continue
        assert result.statuses[t] == one.status
        np.testing.assert_allclose(result.alphas[t], one.params["alpha"], rtol=rtol)
        np.testing.assert_allclose(result.values[t], one.value, rtol=rtol)
        scale = abs(one.value) / one.params["alpha"]
        np.testing.assert_allclose(result.gradients[t], one.gradient["alpha"], atol=1e-8 * scale)
        x = result.coefficients[[t]].toarray()[0]
        size = np.abs(one.solution.x).max() + 1e-6 * np.abs(Y[:, t]).max()
        np.testing.assert_allclose(x, one.solution.x, atol=1e-8 * size)
        shift = 1e-8 * (1.0 + np.abs(Y).max())
        np.testing.assert_allclose(result.intercepts[t], one.solution.intercept, atol=shift)
        assert result.visited[t] <= one.params["alpha"] * (1 + 1e-9)
        assert result.optimality[t] <= 1e-9


def problems():
    X, Y, rng = data(48, 12, 6)
    V, U, _ = data(30, 70, 5, seed=1)
    w = rng.uniform(0.5, 2.0, 12)
    w[4] = 0.0
    s = rng.integers(0, 4, 48).astype(float)
    s[:3] = 1.0
    boot = [(rng.integers(0, 48, 48), rng.integers(0, 48, 20)) for _ in range(3)]
    twice = np.column_stack([X, X[:, 2], -X[:, 3], np.zeros(48)])
    return {
        "tall": (fp.lasso(X, Y[:, 0], 1.0, fit_intercept=True), Y, 5),
        "no intercept": (fp.lasso(X, Y[:, 0], 1.0), Y, 3),
        "weights": (
            fp.lasso(X, Y[:, 0], 1.0, weights=w, sample_weight=s, fit_intercept=True), Y, 4
        ),
        "bootstrap": (fp.lasso(X, Y[:, 0], 1.0, fit_intercept=True), Y, boot),
        "wide": (fp.lasso(V, U[:, 0], 1.0, fit_intercept=True), U, 5),
        "float32": (fp.lasso(np.float32(V), U[:, 0], 1.0, fit_intercept=True), U, 5),
        "sparse": (
            fp.lasso(sparse.csc_array(V * (V > 1.0)), U[:, 0], 1.0, fit_intercept=True), U, 3
        ),
        "duplicates": (fp.lasso(twice, Y[:, 0], 1.0, fit_intercept=True), Y, 5),
        "scales": (
            fp.lasso(X * np.geomspace(1e-4, 1e4, 12), Y[:, 0], 1.0, fit_intercept=True), 1e6 * Y, 5
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", problems())
def test_every_target_has_the_numbers_of_a_search_of_its_own(name):
    problem, Y, cv = problems()[name]
    result = many(problem, Y, cv=cv)
    if name != "duplicates":
        return agree(result, problem, Y, cv)
    for t in range(Y.shape[1]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            one = fp.tune(fp.CrossVal(problem.replace(y=Y[:, t]), cv))
        np.testing.assert_allclose(result.alphas[t], one.params["alpha"], rtol=1e-9)
        np.testing.assert_allclose(result.values[t], one.value, rtol=1e-9)
    return None


@pytest.mark.parametrize("name", ["tall", "wide"])
def test_watching_too_little_gives_the_same(name, monkeypatch):
    problem, U, _ = problems()[name]
    whole = many(problem, U)
    search, alone, overlooked = target_blocks.one_target, [], []
    make = target_blocks.bench
    monkeypatch.setattr(
        target_blocks, "one_target", lambda plan, y: alone.append(y) or search(plan, y)
    )
    monkeypatch.setattr(
        target_blocks, "bench", lambda s: overlooked.append(make(s)) or overlooked[0]
    )
    rule = target_blocks.Rule
    monkeypatch.setattr(target_blocks, "Rule", lambda *a: rule(*a)._replace(reach=-0.8))
    part = many(problem, U)
    assert not alone and overlooked[0].count[:, OVERLOOKED].sum() > 20
    for name in ("alphas", "values", "intercepts", "visited"):
        np.testing.assert_allclose(getattr(part, name), getattr(whole, name), rtol=1e-9)
    np.testing.assert_allclose(part.coefficients.toarray(), whole.coefficients.toarray(), atol=1e-9)
    assert np.all(part.optimality <= 1e-9)


def test_what_the_loop_cannot_vouch_for_is_searched_for_alone(monkeypatch):
    problem, U, _ = problems()["wide"]
    whole = many(problem, U)

    def broken(shared, own, targets, rule, first, last, answers):
        answers.code[first:last] = target_blocks.loop.BROKEN

    monkeypatch.setattr(target_blocks.loop, "search", broken)
    part = many(problem, U)
    np.testing.assert_allclose(part.alphas, whole.alphas, rtol=1e-9)
    np.testing.assert_allclose(part.values, whole.values, rtol=1e-9)
    np.testing.assert_allclose(part.coefficients.toarray(), whole.coefficients.toarray(), atol=1e-9)


def test_a_range_of_ones_own_and_its_edges():
    problem, Y, _ = problems()["tall"]
    result = many(problem, Y, bounds=(0.5, 2.0))
    agree(result, problem, Y, bounds=(0.5, 2.0))
    edges = result.statuses == "edge_of_range"
    assert edges.any() and np.all(result.gradients[edges] != 0.0)


def test_targets_without_anything_to_tune():
    problem, Y, _ = problems()["tall"]
    Y = np.column_stack([Y[:, 0], np.full(48, 1e8), np.zeros(48)])
    with pytest.warns(fp.FastpiggyWarning, match="2 of 3 targets.*2 flat .first target 1"):
        result = fp.tune_many(problem, Y)
    assert result.statuses.tolist() == ["converged", "flat", "flat"]
    assert np.isnan(result.alphas[1:]).all() and result.coefficients[[1, 2]].nnz == 0
    np.testing.assert_allclose(result.intercepts[1:], [1e8, 0.0], rtol=1e-12)
    agree(fp.tune_many(problem, Y[:, :1]), problem, Y[:, :1])


def test_other_problems_go_one_by_one():
    X, Y, _ = data(40, 6, 2)
    loss = fp.losses.LeastSquares(Y[:, 0], np.full(40, 1 / 40))
    # A loss of one's own, for all that the loop knows.
    problem = fp.Problem(loss, fp.penalties.L1(1.0, np.ones(6)), X, fit_intercept=True)
    agree(many(problem, Y), problem, Y)


def test_blocks_threads_and_executors_give_the_same(monkeypatch):
    problem, Y, _ = problems()["tall"]
    monkeypatch.setattr(target_blocks, "_MOST", 2)
    seen = []
    alone = fp.tune_many(problem, Y, progress=seen.append)
    assert [p.done for p in seen] == [2, 4, 6] and seen[-1].left == 0 and seen[0].rate > 0
    threads = fp.tune_many(problem, Y, n_jobs=2)
    with ThreadPoolExecutor(2) as pool:
        handed = fp.tune_many(problem, Y, executor=pool)
    for other in (threads, handed):
        for name in ("alphas", "values", "intercepts", "statuses", "optimality"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(other, name))
        assert (alone.coefficients != other.coefficients).nnz == 0
    assert not target_blocks._kept


def test_a_store_goes_on_where_a_run_was_cut_off(tmp_path, monkeypatch):
    problem, Y, _ = problems()["tall"]
    monkeypatch.setattr(target_blocks, "_MOST", 2)
    whole = fp.tune_many(problem, Y)

    def stop(progress):
        if progress.done == 4:
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    with pytest.warns(fp.FastpiggyWarning, match="2 interrupted"):
        cut = fp.tune_many(problem, Y, store=folder, progress=stop)
    assert cut.statuses.tolist() == ["converged"] * 4 + ["interrupted"] * 2
    assert np.isnan(cut.alphas[4:]).all() and cut.coefficients.shape == (6, 12)
    assert sorted(f.name for f in folder.iterdir()) == [
        "block-000000.npz", "block-000001.npz", "manifest.json",
    ]  # fmt: skip
    # A file that a disk has damaged is made anew; the size of a block is that of the store.
    (folder / "block-000001.npz").write_bytes(b"PK")
    monkeypatch.setattr(target_blocks, "_MOST", 256)
    seen = []
    result = fp.tune_many(problem, Y, store=folder, progress=seen.append)
    assert [p.done for p in seen] == [4, 6]
    np.testing.assert_array_equal(result.alphas, whole.alphas)
    np.testing.assert_array_equal(result.coefficients.toarray(), whole.coefficients.toarray())
    again = fp.tune_many(problem, Y, store=folder, progress=seen.append)
    assert len(seen) == 2 and repr(again).startswith("<TargetsResult of 6 targets in ")
    np.testing.assert_array_equal(again.values, whole.values)


def test_a_store_refuses_to_mix(tmp_path):
    problem, Y, _ = problems()["tall"]
    folder = tmp_path / "run"
    fp.tune_many(problem, Y, store=folder)
    other = problem.design.X.copy()
    other[3, 2] += 1e-9
    for changed, message in [
        ((problem, Y + 1.0, {}), "another Y"),
        ((problem, Y[:, :3], {}), "another Y"),
        ((problem, Y, {"cv": 4}), "another X, penalty"),
        ((fp.lasso(other, Y[:, 0], 1.0, fit_intercept=True), Y, {}), "another X, penalty"),
        ((fp.lasso(problem.design.X, Y[:, 0], 1.0), Y, {}), "another X, penalty"),
    ]:
        with pytest.raises(ValueError, match=message):
            fp.tune_many(changed[0], changed[1], store=folder, **changed[2])
    # Its own targets and alpha do not matter.
    fp.tune_many(problem.replace(alpha=0.3, y=Y[:, 1]), Y, store=folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["count"] == 6
    (folder / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read"):
        fp.tune_many(problem, Y, store=folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(ValueError, match="holds other files"):
        fp.tune_many(problem, Y, store=tmp_path / "other")


def test_bad_arguments_are_named_before_any_work():
    problem, Y, _ = problems()["tall"]
    bad = Y.copy()
    bad[7, 2] = np.inf
    for arguments, kind, message in [
        (((problem, Y[:, 0]), {}), ValueError, "Y must have shape"),
        (((problem, Y[:40]), {}), ValueError, "Y must have shape"),
        (((problem, bad), {}), ValueError, "column 2, row 7"),
        (((problem, Y.astype(str)), {}), TypeError, "Y must hold numbers"),
        (((object(), Y), {}), TypeError, "problem must have rows"),
        (((problem, Y), {"bounds": (2.0, 1.0)}), ValueError, "low < high"),
        (((problem, Y), {"bounds": 3.0}), ValueError, "bounds must be two"),
        (((problem, Y), {"n_jobs": 0}), ValueError, "n_jobs must be"),
        (((problem, Y), {"executor": 3}), TypeError, "executor must be"),
        (((problem, Y), {"tol": 0.0}), ValueError, "tol must"),
        (((problem, Y), {"cv": 1}), ValueError, "cv must"),
        (((problem, Y), {"progress": 3}), TypeError, "progress must be"),
    ]:
        with pytest.raises(kind, match=message):
            fp.tune_many(*arguments[0], **arguments[1])
    labels = fp.logistic(problem.design.X, Y[:, 0] > 5.0, 1.0)
    with pytest.raises(ValueError, match="labels"):
        fp.tune_many(labels, Y)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_gives_the_same(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="extra [distributed] is not installed")
    X, Y, _ = data(60, 20, 24)
    problem = fp.lasso(X, Y[:, 0], 1.0, fit_intercept=True)
    monkeypatch.setattr(target_blocks, "_MOST", 2)
    alone = many(problem, Y)
    monkeypatch.setattr("fastpiggy.tuning.target_runs._AT_ONCE", 6)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        workers = list(client.run(os.getpid).values())

        def kill_one(progress):
            if workers and progress.done >= 6:
                os.kill(workers.pop(), signal.SIGKILL)
                workers.clear()

        found = many(
            problem, Y, executor=client.get_executor(), store=tmp_path / "run", progress=kill_one
        )  # fmt: skip
    assert not workers and set(found.statuses) <= {"converged", "edge_of_range"}
    for name in ("alphas", "values", "gradients", "intercepts", "statuses", "optimality"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))
    assert (found.coefficients != alone.coefficients).nnz == 0
    assert len(list((tmp_path / "run").glob("block-*.npz"))) == 12
