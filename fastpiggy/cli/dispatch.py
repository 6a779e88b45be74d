"""From the arguments to a sub-command, and from its errors to an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

from fastpiggy.cli.arguments import build_parser
from fastpiggy.cli.errors import CommandError

UNUSABLE = 2
INTERRUPTED = 130


def dispatch(argv: Sequence[str] | None) -> int:
    """Run one sub-command.

    Parameters
    ----------
    argv : sequence of str or None
        The arguments, or None for those of the process.

    Returns
    -------
    int
        The exit code.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        _require_rich()
        return _command(arguments.command)(arguments)
    except CommandError as error:
        print(f"fastpiggy: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("fastpiggy: interrupted before there was a result", file=sys.stderr)
        return INTERRUPTED


def _require_rich() -> None:
    if find_spec("rich") is None:
        raise CommandError('tables and progress need rich: pip install "fastpiggy[cli]"')


def _command(name: str):
    # Imported here, so that --help does not wait for the compiler.
    if name == "tune":
        from fastpiggy.cli.tune import tune_command

        return tune_command
    if name == "warmup":
        from fastpiggy.cli.warmup import warmup_command

        return warmup_command
    from fastpiggy.cli.info import info_command

    return info_command
