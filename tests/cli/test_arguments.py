"""Arguments, exit codes, and what is said without rich."""

import subprocess
import sys

import pytest

from fastpiggy import _version
from fastpiggy.cli import main
from fastpiggy.cli.progress import Progress


def test_version_and_help(capsys):
    for argv, expected in (
        (["--version"], _version.__version__),
        (["--help"], "warmup"),
        (["tune", "--help"], "standardised"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], "COMMAND"),
        (["grow"], "invalid choice"),
        (["tune", "--model", "svm"], "invalid choice"),
        (["tune", "--cv", "1"], "argument --cv: must be an integer of at least 2, got '1'"),
        (["tune", "--cv", "x"], "argument --cv"),
        (["tune", "--tol", "0"], "argument --tol: must be between 0 and 1, got 0"),
        (["tune", "--tol", "nan"], "argument --tol: must be a number"),
        (["tune", "--l1-ratio", "0"], "use --model ridge"),
        (["tune", "--delta", "0"], "argument --delta: must be above 0, got 0"),
        (["tune", "--l1-ratio", "2"], "argument --l1-ratio"),
        (["tune", "--shuffle", "-1"], "argument --shuffle"),
    ],
)
def test_arguments_that_cannot_be(argv, expected, capsys):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--target", "y"], "need a DATA file"),
        (["--drop", "y"], "need a DATA file"),
        (["--model", "logistic"], "two labels"),
        (["--l1-ratio", "0.5"], "--l1-ratio is for --model elastic-net, huber, logistic, squared-"),
        (["--delta", "1"], "--delta is for --model huber, not lasso"),
        (["--json", "/no/such/folder/a.json"], "there is no folder"),
        (["absent.csv", "--target", "y"], "absent.csv: cannot be read: No such file"),
    ],
)
def test_mistakes_get_one_message_and_exit_code_2(argv, expected, capsys):
    assert main(["tune", *argv]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert expected in captured.err


@pytest.mark.parametrize("command", ["tune", "warmup", "info"])
def test_without_rich_one_line_says_what_to_install(command, capsys, monkeypatch):
    monkeypatch.setattr("fastpiggy.cli.dispatch.find_spec", lambda name: None)
    assert main([command]) == 2
    error = capsys.readouterr().err
    assert 'pip install "fastpiggy[cli]"' in error
    assert len(error.splitlines()) == 1


def test_interrupt_before_there_is_a_result(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastpiggy.cli.tune.load", interrupt)
    assert main(["tune"]) == 130
    assert "interrupted before there was a result" in capsys.readouterr().err


def test_help_waits_for_nothing_heavy():
    code = (
        "import sys\n"
        "from fastpiggy.cli.arguments import build_parser\n"
        "build_parser()\n"
        "from fastpiggy.cli import main\n"
        "sys.exit(any(name in sys.modules for name in ('rich', 'scipy', 'matplotlib')))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_info(capsys):
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    for expected in (_version.__version__, "numba", "scipy", "cores", "kernel cache"):
        assert expected in printed


def test_progress_moves_on_a_terminal_and_is_plain_elsewhere(result):
    import io

    from rich.console import Console

    for terminal in (True, False):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=terminal, width=100)
        with Progress(console) as progress:
            progress.stage("reading [file].csv")
            for evaluation in result.history:
                progress.evaluation(evaluation)
            progress.grid_point(3, 100)
        text = stream.getvalue()
        if terminal:
            assert "3 of 100" in text
        else:
            assert "evaluation 4: alpha 0.1, loss 5, best 5\n" in text
            assert "reading [file].csv\n" in text
            assert "\x1b" not in text and "of 100" not in text
