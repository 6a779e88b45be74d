"""The whole command on small files: what it finds, says, saves and draws."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file
from sklearn.linear_model import LassoCV
from sklearn.model_selection import KFold

from fastpiggy.cli import main
from fastpiggy.cli.progress import Progress

# A callback that is slow enough to be interrupted, in a process of its own.
# A shell's background job, and so a test run in one, is started with the signal ignored.
SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from fastpiggy.cli import main
from fastpiggy.cli.progress import Progress
quick = Progress.evaluation
def slow(self, evaluation):
    quick(self, evaluation)
    time.sleep(1.0)
Progress.evaluation = slow
sys.exit(main(sys.argv[1:]))
"""


def made(n=60, p=8, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.5, 20, p) + rng.uniform(-3, 3, p)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    y = 4 + Z[:, 0] * 3 - Z[:, 2] * 2 + rng.standard_normal(n)
    return X, Z, y


def write_csv(path, X, y, target="y"):
    names = [f"x{j}" for j in range(X.shape[1])]
    answers = [repr(float(v)) if isinstance(v, float | np.floating) else str(v) for v in y]
    rows = [",".join([*map(repr, map(float, row)), a]) for row, a in zip(X, answers, strict=True)]
    path.write_text("\n".join([",".join([*names, target]), *rows]))
    return path


@pytest.fixture
def csv_file(tmp_path):
    X, _, y = made()
    return write_csv(tmp_path / "data.csv", X, y)


def run(tmp_path, *argv, code=0):
    """Run `tune` and return what it saved."""
    saved = tmp_path / "result.json"
    assert main(["tune", *map(str, argv), "--json", str(saved)]) == code
    return json.loads(saved.read_text())


def test_lasso_is_at_least_as_good_as_the_grid_of_scikit_learn(tmp_path, csv_file, capsys):
    found = run(tmp_path, csv_file, "--target", "y")
    _, Z, y = made()
    grid = LassoCV(alphas=100, cv=KFold(5), tol=1e-10, max_iter=100_000).fit(Z, y)
    ours = LassoCV(alphas=[found["best"]["alpha"]], cv=KFold(5), tol=1e-12, max_iter=100_000)
    ours.fit(Z, y)
    assert ours.mse_path_.mean() <= grid.mse_path_.mean(axis=1).min() * (1 + 1e-9)
    assert abs(found["best"]["log_slope"]) < 1e-3 * found["best"]["loss"]
    # The coefficients are those of scikit-learn, in the units of the file.
    X, _, _ = made()
    coefficients = np.zeros(8)
    for entry in found["fit"]["support"]:
        coefficients[int(entry["column"][1:])] = entry["coefficient"]
    np.testing.assert_allclose(coefficients, ours.coef_ / X.std(axis=0), rtol=1e-5, atol=1e-7)
    predicted = X @ coefficients + found["fit"]["intercept"]
    np.testing.assert_allclose(predicted, ours.predict(Z), atol=1e-5)
    printed = capsys.readouterr().out
    for expected in (
        "Lasso, alpha by 5-fold cross-validation",
        "standardised (mean 0, standard deviation 1)",
        "best alpha",
        "slope there",
        "of 8 columns",
        "converged",
        "path of 5 folds, ",
        "100-point grid",
    ):
        assert expected in printed


@pytest.mark.parametrize("model", ["lasso", "elastic-net", "ridge"])
@pytest.mark.parametrize("ending", ["csv", "npz", "svm"])
def test_every_model_on_every_kind_of_file(tmp_path, model, ending):
    X, _, y = made()
    path = tmp_path / f"data.{ending}"
    if ending == "csv":
        options = ["--target", "y"]
        write_csv(path, X, y)
    elif ending == "npz":
        options = []
        np.savez(path, X=X, y=y)
    else:
        options = []
        dump_svmlight_file(sparse.csr_matrix(np.where(np.abs(X) < 1, 0, X)), y, str(path))
    found = run(tmp_path, path, *options, "--model", model, "--cv", 3)
    assert found["model"]["name"] == model and found["model"]["folds"] == 3
    assert found["certificate"]["status"] == "converged"
    assert found["certificate"]["optimality"] <= found["certificate"]["tolerance"]
    assert found["best"]["loss"] <= found["grid"]["value"] * (1 + 1e-9)
    assert found["fit"]["support_size"] >= 2
    assert ("not centred" in found["data"]["scaling"]) == (ending == "svm")


def test_logistic_with_text_labels(tmp_path, capsys):
    X, Z, _ = made(80)
    rng = np.random.default_rng(1)
    labels = np.where(Z[:, 0] - Z[:, 1] + 0.5 * rng.standard_normal(80) > 0, "yes", "no")
    path = write_csv(tmp_path / "data.csv", X, labels, "bought")
    found = run(tmp_path, path, "--target", "bought", "--model", "logistic", "--cv", 4)
    assert found["data"]["labels"] == ["no", "yes"]
    signs = {entry["column"]: np.sign(entry["coefficient"]) for entry in found["fit"]["support"]}
    assert signs["x0"] == 1 and signs["x1"] == -1
    assert "no and yes (the last is +1)" in capsys.readouterr().out


def test_huber_and_squared_hinge(tmp_path, capsys):
    X, Z, y = made(80)
    path = write_csv(tmp_path / "data.csv", X, y)
    found = run(tmp_path, path, "--target", "y", "--model", "huber", "--cv", 2, "--no-compare")
    spread = np.median(np.abs(y - np.median(y)))
    np.testing.assert_allclose(found["model"]["delta"], 1.345 * 1.4826 * spread)
    assert found["certificate"]["status"] == "converged"
    path = write_csv(tmp_path / "labels.csv", X, np.where(Z[:, 0] > 0, "yes", "no"))
    options = ["--model", "squared-hinge", "--cv", 2, "--no-compare"]
    found = run(tmp_path, path, "--target", "y", *options)
    assert found["data"]["labels"] == ["no", "yes"]
    assert main(["tune", str(path), "--target", "y", "--model", "huber"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_three_labels_are_refused(tmp_path, capsys):
    X, _, _ = made(30)
    path = write_csv(tmp_path / "data.csv", X, ["a", "b", "c"] * 10)
    assert main(["tune", str(path), "--target", "y", "--model", "logistic"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err


def test_more_folds_than_rows_are_refused(csv_file, capsys):
    assert main(["tune", str(csv_file), "--target", "y", "--cv", "61"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_as_the_columns_are_and_without_intercept(tmp_path, csv_file, capsys):
    found = run(tmp_path, csv_file, "--target", "y", "--no-standardize", "--no-intercept")
    assert found["fit"]["intercept"] == 0
    assert all(e["coefficient"] == e["as_used"] for e in found["fit"]["support"])
    assert "not standardised" in capsys.readouterr().out


def test_tolerance_shuffle_and_no_comparison(tmp_path, csv_file):
    options = ["--target", "y", "--no-compare", "--tol", "1e-6"]
    plain = run(tmp_path, csv_file, *options)
    assert plain["grid"] is None
    assert plain["certificate"]["tolerance"] == 1e-6
    shuffled = run(tmp_path, csv_file, *options, "--shuffle", 7)
    again = run(tmp_path, csv_file, *options, "--shuffle", 7)
    assert shuffled["best"] == again["best"]
    assert shuffled["best"]["loss"] != plain["best"]["loss"]


def test_plot(tmp_path, csv_file):
    picture = tmp_path / "curve.png"
    run(tmp_path, csv_file, "--target", "y", "--no-compare", "--plot", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


def test_interrupt_prints_and_saves_the_best_so_far(tmp_path, csv_file, capsys, monkeypatch):
    shown = Progress.evaluation

    def interrupt(self, evaluation):
        shown(self, evaluation)
        if self._seen == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "evaluation", interrupt)
    found = run(tmp_path, csv_file, "--target", "y", "--model", "elastic-net", code=130)
    assert found["search"]["status"] == "interrupted"
    assert found["best"]["loss"] == min(e["loss"] for e in found["history"])
    assert found["grid"] is None
    printed = capsys.readouterr().out
    assert "interrupted" in printed and "best alpha" in printed


def test_interrupt_during_the_comparison_keeps_the_result(tmp_path, csv_file, capsys, monkeypatch):
    def interrupt(self, done, total):
        if done == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "grid_point", interrupt)
    found = run(tmp_path, csv_file, "--target", "y", code=130)
    assert found["search"]["status"] == "converged"
    assert found["grid"]["points"] == 5 and not found["grid"]["finished"]
    assert found["certificate"]["status"] == "converged"
    assert "interrupted; so far" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="SIGINT can only be sent on POSIX")
def test_signal_to_the_process(tmp_path, csv_file):
    saved = tmp_path / "result.json"
    # A search by slopes, whose evaluations can be seen.
    command = [sys.executable, "-c", SLOW, "tune", str(csv_file), "--target", "y"]
    command += ["--model", "elastic-net"]
    process = subprocess.Popen(
        [*command, "--json", str(saved)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("evaluation 2"):
            process.send_signal(signal.SIGINT)
            break
    out, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert "interrupted" in out and "best alpha" in out
    assert "Traceback" not in error
    found = json.loads(saved.read_text())
    assert found["search"]["status"] == "interrupted"
    assert found["search"]["evaluations"] >= 2


def test_installed_command_on_the_data_that_ships(tmp_path):
    process = subprocess.run(
        [sys.executable, "-m", "fastpiggy.cli", "tune", "--no-compare", "--cv", "3"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "442 rows, 283 columns" in process.stdout
    assert "evaluation 1" in process.stderr


def test_warmup_says_what_it_cost(capsys):
    assert main(["warmup"]) == 0
    printed = capsys.readouterr().out
    for expected in ("Lasso", "Ridge", "logistic", "sparse (CSC)", "s in all", "kernel cache"):
        assert expected in printed
