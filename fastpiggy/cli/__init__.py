"""The command ``fastpiggy``: tune a model on a file, compile ahead, look at the installation."""

from __future__ import annotations

import os
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments without the program's name; those of the process if not given.

    Returns
    -------
    int
        The exit code: 0, 2 for input that cannot be used, 130 when interrupted.
    """
    # Before NumPy loads BLAS: its threads cost more than they bring on matrices of this size.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from fastpiggy.cli.dispatch import dispatch

    return dispatch(argv)


__all__ = ["main"]
