"""``fastpiggy tune DATA --targets FILE``."""

import json

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.cli import main


def write(path, names, values):
    lines = [",".join(names), *(",".join(map(repr, row)) for row in values.tolist())]
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 6)) * rng.uniform(0.5, 20.0, 6) + 3.0
    Y = X[:, :3] / X[:, :3].std(axis=0) + rng.standard_normal((50, 3))
    x = write(tmp_path / "X.csv", [f"x{j}" for j in range(6)], X)
    y = write(tmp_path / "Y.csv", ["a", "b", "c"], Y)
    return X, Y, x, y, tmp_path


def test_an_alpha_for_each_target_and_a_store(files, capsys):
    X, Y, x, y, folder = files
    saved = folder / "out.json"
    argv = ["tune", x, "--targets", y, "--store", str(folder / "run"), "--json", str(saved)]
    assert main(argv) == 0
    said = capsys.readouterr()
    assert "3 converged" in said.out and "3 of 3 targets" in said.err
    found = json.loads(saved.read_text())
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    result = fp.tune_many(fp.lasso(Z, Y[:, 0], 1.0, fit_intercept=True), Y)
    for t, target in enumerate(found["targets"]):
        assert target["target"] == "abc"[t] and target["status"] == "converged"
        np.testing.assert_allclose(target["alpha"], result.alphas[t], rtol=1e-9)
        x_file = np.array([target["coefficients"].get(f"x{j}", 0.0) for j in range(6)])
        np.testing.assert_allclose(
            X @ x_file + target["intercept"],
            Z @ result.coefficients[[t]].toarray()[0] + result.intercepts[t], rtol=1e-9,
        )  # fmt: skip
    # The second call finds all of it there.
    assert main(argv) == 0
    assert "of 3 targets" not in capsys.readouterr().err
    assert json.loads(saved.read_text())["targets"] == found["targets"]
    # Arrays, and other rows under the same store.
    np.savez(folder / "X.npz", X=X)
    np.savez(folder / "Y.npz", Y=2.0 * Y)
    arrays = ["tune", str(folder / "X.npz"), "--targets", str(folder / "Y.npz"), "--jobs", "2"]
    assert main(arrays) == 0
    assert main([*arrays, "--store", str(folder / "run")]) == 2
    assert "another run" in capsys.readouterr().err


def test_what_does_not_go_together_is_said_before_any_work(files, capsys):
    _, Y, x, y, folder = files
    short = write(folder / "short.csv", ["a"], Y[:20, :1])
    for argv, message in [
        (["tune", "--targets", y], "needs a DATA file"),
        (["tune", x, "--store", "run"], "give --targets"),
        (["tune", x, "--targets", y, "--target", "x0"], "--target does not go together"),
        (["tune", x, "--targets", y, "--drop-missing"], "--drop-missing does not go together"),
        (["tune", x, "--targets", y, "--model", "logistic"], "has labels"),
        (["tune", x, "--targets", y, "--model", "huber"], "needs one --delta"),
        (["tune", x, "--targets", short], "has 50 rows, and"),
        (["tune", x, "--targets", str(folder / "no.csv")], "is no file"),
        (["tune", x, "--targets", str(folder / "run.svm")], "is no file"),
        (["tune", x, "--targets", y, "--cv", "99"], "cv must be between"),
    ]:
        assert main(argv) == 2
        assert message in capsys.readouterr().err
