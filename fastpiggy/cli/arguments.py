"""The arguments of the command, and their checks that need no data."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from fastpiggy._version import __version__

MODELS = ("lasso", "elastic-net", "ridge", "huber", "logistic", "squared-hinge")

TUNE = """\
Choose the penalty alpha of a sparse model by cross-validation, with the slope of the
cross-validation loss. Without DATA: the diabetes study that ships with the package, all monomials
of its ten columns to degree 3.

DATA is a CSV file (.csv, .tsv, .txt), a NumPy archive (.npz) or a SVMLight file (.svm, .svmlight,
.libsvm). Columns are standardised once, on all rows, and the model has an intercept; sparse data
is scaled and not centred. Folds are blocks of consecutive rows: use --shuffle if the order of the
rows means something."""


def build_parser() -> argparse.ArgumentParser:
    """Describe the command and its sub-commands.

    Returns
    -------
    argparse.ArgumentParser
        Sets `command` and the options of the sub-command.
    """
    parser = argparse.ArgumentParser(
        prog="fastpiggy",
        description="Sparse models with their derivatives, and how far these can be trusted.",
    )
    parser.add_argument("--version", action="version", version=f"fastpiggy {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_tune(commands)
    commands.add_parser(
        "warmup",
        help="compile the common kernels now",
        description="Compile the common kernels, keep them on disk, and say what it cost.",
    )
    commands.add_parser(
        "info",
        help="print versions, threads and the place of the kernel cache",
        description="Print what a report of a fault should hold.",
    )
    return parser


def _add_tune(commands: argparse._SubParsersAction) -> None:
    tune = commands.add_parser(
        "tune",
        help="choose alpha by cross-validation",
        description=TUNE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tune.add_argument("data", nargs="?", type=Path, metavar="DATA", help="file to read")
    reading = tune.add_argument_group("reading the file")
    reading.add_argument(
        "--target",
        metavar="COLUMN",
        help="name or number of the target's column; in .npz the name of its array (default y)",
    )
    reading.add_argument("--design", metavar="NAME", help=".npz: array of features (default X)")
    reading.add_argument(
        "--drop", action="append", default=[], metavar="COLUMN", help="leave a CSV column out"
    )
    reading.add_argument(
        "--drop-missing", action="store_true", help="leave out CSV rows with missing values"
    )
    _add_targets(tune.add_argument_group("many targets"))
    _add_model(tune.add_argument_group("the model"))
    output = tune.add_argument_group("output")
    output.add_argument("--json", type=Path, metavar="FILE", help="save the result")
    output.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw the loss with its tangents"
    )
    output.add_argument(
        "--no-compare", action="store_true", help="do not run the grid of 100 alphas"
    )


def _add_targets(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--targets",
        type=Path,
        metavar="FILE",
        help="one column a target, an alpha for each; DATA then holds features alone (CSV; of a "
        ".npz file the array Y)",
    )
    group.add_argument(
        "--store",
        type=Path,
        metavar="FOLDER",
        help="keep finished blocks of targets there, and go on from those that are there",
    )
    group.add_argument(
        "--jobs", type=_jobs, default=1, metavar="N", help="threads over targets (default 1)"
    )


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", choices=MODELS, default="lasso", help="default: lasso")
    group.add_argument(
        "--l1-ratio",
        type=_ratio,
        metavar="R",
        help="share of the l1 norm (default 0.5 for elastic-net, 1 for the others that have it)",
    )
    group.add_argument(
        "--delta",
        type=_positive,
        metavar="D",
        help="huber: residuals beyond it count as outliers (default: 1.345 times a robust standard "
        "deviation of the target)",
    )
    group.add_argument(
        "--cv", type=_folds, default=5, metavar="K", help="number of folds (default 5)"
    )
    group.add_argument(
        "--shuffle", type=_seed, metavar="SEED", help="permute the rows before making the folds"
    )
    group.add_argument("--no-standardize", action="store_true", help="take the columns as they are")
    group.add_argument("--no-intercept", action="store_true", help="fit without an intercept")
    group.add_argument(
        "--tol", type=_tolerance, metavar="T", help="optimality of every fit (default 1e-9)"
    )


def _ratio(text: str) -> float:
    value = _number(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(
            f"must be above 0 and at most 1, got {text} (for 0 use --model ridge)"
        )
    return value


def _tolerance(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, got {text}")
    return value


def _positive(text: str) -> float:
    value = _number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}")
    return value


def _folds(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 2, got {text!r}")
    return int(text)


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be an integer of at least 0, got {text!r}")
    return int(text)
