"""The table at the end, and the file that holds the same."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.grid import GridSearch, grid_alphas, search_grid
from fastpiggy.cli.output import check_outputs, plain, write_atomically, write_json
from fastpiggy.cli.report import print_report
from fastpiggy.cli.summary import summarise

MODEL = {
    "name": "lasso",
    "l1_ratio": None,
    "delta": None,
    "folds": 5,
    "intercept": True,
    "shuffle": None,
    "tolerance": None,
}


@pytest.fixture
def summary(table, scaling, result):
    return summarise(
        table=table,
        scaling=scaling,
        model=MODEL,
        result=result,
        compile_seconds=1.5,
        grid=GridSearch(100, 0.12, 5.01, 0.5, True),
        warnings=["look out"],
    )


def printed(summary, width=160):
    stream = io.StringIO()
    print_report(summary, Console(file=stream, width=width))
    return stream.getvalue()


def test_a_person_finds_what_matters(summary):
    text = printed(summary)
    for expected in (
        "Lasso, alpha by 5-fold cross-validation",
        "file.csv",
        "4 rows, 3 columns (dense float64)",
        "standardised",
        "a note",
        "0.1",
        "slope there 0 in alpha",
        "2 of 3 columns",
        "[b]mi -2, s[1] +0.5",
        "converged: optimality 3e-11 (tolerance 1e-09)",
        "error at most 4e-11 (a bound)",
        "converged: 4 evaluations, 20 solves in 0.05 s",
        "kernels ready in 1.5 s",
        "CV loss 5.01 at alpha 0.12, in 0.5 s",
        "10 times as long as the search; the search's loss is lower by 0.002 of its value",
        "warning: look out",
    ):
        assert expected in text


def test_narrow_terminals_lose_nothing(summary):
    squeezed = "".join(printed(summary, width=50).split())
    assert "the search's loss is lower by 0.002 of its value".replace(" ", "") in squeezed


def test_what_is_not_certain_is_said(summary, table, scaling, result, certificate):
    certificate.certified = False
    certificate.status = "at_kink"
    certificate.kinks = [1]
    certificate.message = "take the one-sided derivative"
    certificate.margin = None
    text = printed(_again(table, scaling, result))
    assert "at_kink: optimality" in text
    assert "error about 4e-11 (an estimate, not a bound)" in text
    assert "1: [b]mi" in text
    assert "take the one-sided derivative" in text
    assert "before the support changes" not in text
    certificate.tangent_error = None
    assert "error not known; tangent residual 1e-12" in printed(_again(table, scaling, result))


def _again(table, scaling, result, **changes):
    options = {"compile_seconds": 0.0, "grid": None, "warnings": []} | changes
    return summarise(table=table, scaling=scaling, model=MODEL, result=result, **options)


def test_interrupted_search_has_no_fit(table, scaling, result):
    result.status, result.solution = "interrupted", None
    summary = _again(table, scaling, result)
    text = printed(summary)
    assert "interrupted: 4 evaluations" in text
    assert "support" not in text and "certificate" not in text
    assert summary["fit"] is None and summary["best"]["alpha"] == 0.1


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (GridSearch(40, 0.12, 5.01, 0.5, False), "interrupted; so far CV loss 5.01"),
        (GridSearch(0, math.nan, math.inf, 0.5, False), "interrupted before its first point"),
        (GridSearch(100, 0.12, 5.0, 0.5, True), "the same loss"),
        (GridSearch(100, 0.12, 4.0, 0.5, True), "the grid's loss is lower by 0.25 of its value"),
    ],
)
def test_grid_is_told_as_it_was(table, scaling, result, grid, expected):
    assert expected in printed(_again(table, scaling, result, grid=grid))


def test_json_holds_the_same(tmp_path, summary):
    path = tmp_path / "result.json"
    write_json(path, summary)
    found = json.loads(path.read_text())
    assert found["best"] == {"alpha": 0.1, "loss": 5.0, "slope": 0.0, "log_slope": 0.0}
    assert found["certificate"]["status"] == "converged"
    assert found["certificate"]["margin"] == [0.01, 0.02]
    assert [e["params"]["alpha"] for e in found["history"]] == [1.0, 0.3, 0.03, 0.1]
    # In the units of the file: divided by the scale, largest first as they were used.
    assert found["fit"]["support"] == [
        {"column": "[b]mi", "coefficient": -0.5, "as_used": -2.0},
        {"column": "s[1]", "coefficient": 0.25, "as_used": 0.5},
    ]
    assert found["fit"]["intercept"] == 1.5 + 0.5 * 2 - 0.25 * 3
    assert found["grid"]["points"] == 100
    assert path.stat().st_mode & 0o444 == 0o444


def test_plain_values():
    value = {"a": (np.float32(1.5), np.inf, np.array([np.nan, 1])), 2: np.bool_(True)}
    assert plain(value) == {"a": [1.5, None, [None, 1.0]], "2": True}


def test_a_failing_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")

    def fail(place):
        place.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(CommandError, match="No space left"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_are_checked_before_the_work(tmp_path):
    check_outputs(None, None)
    check_outputs(tmp_path / "a.json", tmp_path / "a.png")
    for json_path, plot_path, expected in (
        (tmp_path, None, "is a folder"),
        (tmp_path / "no" / "a.json", None, "there is no folder"),
        (None, tmp_path / "a.docx", "the name should end in one of"),
        (None, tmp_path / "a", "the name should end in one of"),
    ):
        with pytest.raises(CommandError, match=expected):
            check_outputs(json_path, plot_path)


def test_plot_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setattr("fastpiggy.cli.output.find_spec", lambda name: None)
    with pytest.raises(CommandError, match=r'pip install "fastpiggy\[plot\]"'):
        check_outputs(None, tmp_path / "a.png")


def test_grid_goes_from_large_to_small():
    alphas = grid_alphas(0.002, 2.0)
    assert alphas.size == 100 and alphas[0] == 2.0
    np.testing.assert_allclose(alphas[-1], 2e-3)
    seen = []
    found = search_grid(
        lambda alpha: seen.append(alpha) or abs(alpha - alphas[30]), alphas, lambda *_: None
    )
    assert seen == list(alphas)
    assert replace(found, seconds=0) == GridSearch(100, alphas[30], 0.0, 0, True)


def test_interrupted_grid_keeps_what_it_had():
    def evaluate(alpha):
        if alpha < 0.5:
            raise KeyboardInterrupt
        return alpha

    found = search_grid(evaluate, np.array([2.0, 1.0, 0.1]), lambda *_: None)
    assert replace(found, seconds=0) == GridSearch(2, 1.0, 1.0, 0, False)
