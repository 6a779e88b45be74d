"""What is seen while the search runs: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress:
    """Show stages and evaluations on the error stream, so that the result can be piped.

    Parameters
    ----------
    console : rich.console.Console
        Where to show.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen = 0
        self._best = np.inf
        self._bar = None
        if console.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
            )
            self._bar = Bar(*columns, console=console, transient=True)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("reading", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, text: str) -> None:
        """Say what begins."""
        if self._bar is None:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            self._bar.update(self._task, description=text)

    def evaluation(self, evaluation: Any) -> None:
        """Show one evaluation of the criterion; this is the callback of `fastpiggy.tune`."""
        self._seen += 1
        self._best = min(self._best, float(evaluation.value))
        params = ", ".join(f"{k} {float(np.asarray(v)):.5g}" for k, v in evaluation.params.items())
        self.stage(
            f"evaluation {self._seen}: {params}, loss {evaluation.value:.6g}, best {self._best:.6g}"
        )

    def grid_point(self, done: int, total: int) -> None:
        """Show how far the grid is; silent where every line would stay."""
        if self._bar is not None:
            self.stage(f"comparing: {done} of {total} points of the grid")
