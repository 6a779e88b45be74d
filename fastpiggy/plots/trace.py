"""What a run did step by step, and what its certificate says of the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastpiggy.plots.figure import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class TraceDisplay:
    """Steps of the iterates and of their tangents over the iterations, with the certificate.

    Made by :meth:`from_solution`.

    Parameters
    ----------
    trace : Trace
        ``Solution.trace``.
    certificate : Certificate, optional
        Its rate is drawn as a slope, status and error of the tangent stand above.
    algorithm : str, optional
        Named above too.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    change_, tangent_, residual_, rate_ : matplotlib.lines.Line2D or None
        None where there is nothing to draw: no tangent ran, no rate is known.
    """

    def __init__(self, *, trace: Any, certificate: Any = None, algorithm: str | None = None):
        self.trace = trace
        self.certificate = certificate
        self.algorithm = algorithm

    @classmethod
    def from_solution(cls, solution: Any, *, ax: Axes | None = None) -> TraceDisplay:
        """Draw the run that a solution came from.

        Parameters
        ----------
        solution : Solution
            Of a solve with ``trace=True``.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        TraceDisplay

        Raises
        ------
        ValueError
            Where no trace was kept, or nothing iterated.

        Examples
        --------
        >>> import numpy as np
        >>> import fastpiggy as fp
        >>> rng = np.random.default_rng(0)
        >>> problem = fp.lasso(rng.standard_normal((40, 10)), rng.standard_normal(40), alpha=0.1)
        >>> sol = fp.solve(
        ...     problem,
        ...     wrt="alpha",
        ...     algorithm="forward_backward",
        ...     derivative="piggyback",
        ...     trace=True,
        ... )
        >>> fp.plots.TraceDisplay.from_solution(sol).ax_.get_yscale()
        'log'
        """
        if solution.trace is None or not len(solution.trace):
            raise ValueError(
                "the solution has no trace: solve with trace=True, and an algorithm that iterates"
            )
        return cls(
            trace=solution.trace, certificate=solution.certificate, algorithm=solution.algorithm
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> TraceDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        TraceDisplay
            Itself.
        """
        ax = new_axes() if ax is None else ax
        trace, steps = self.trace, np.arange(1, len(self.trace) + 1)

        def draw(values: np.ndarray, on: np.ndarray, **style: Any) -> Any:
            # A step of exactly zero has no logarithm.
            on = on & (values > 0)
            return ax.plot(steps[on], values[on], **style)[0] if on.any() else None

        always = np.ones(len(trace), dtype=bool)
        self.residual_ = draw(trace.residual, always, color="0.7", lw=1, label="residual of x")
        self.change_ = draw(trace.change, always, color="C0", label="norm(x_k+1 - x_k)")
        self.tangent_ = draw(
            trace.tangent_change, trace.tangents > 0, color="C1", label="norm(J_k+1 - J_k)"
        )
        self.rate_ = self._rate(ax, steps)
        ax.set(yscale="log", xlabel="iteration k", ylabel="change of a step")
        ax.set_title(self._title(), fontsize="medium")
        ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _rate(self, ax: Axes, steps: np.ndarray) -> Any:
        """A line that falls by the estimated rate a step, through the change half-way down."""
        rate = None if self.certificate is None else self.certificate.rate
        change = self.trace.change
        if rate is None or not 0 < rate < 1 or not np.any(change > 0):
            return None
        logs = np.log(np.where(change > 0, change, np.nan))
        at = int(np.nanargmin(np.abs(logs - 0.5 * (np.nanmin(logs) + np.nanmax(logs)))))
        line = change[at] * rate ** (steps - steps[at]).astype(float)
        shown = (line >= np.exp(np.nanmin(logs))) & (line <= np.exp(np.nanmax(logs)))
        style = {"color": "0.4", "linestyle": ":", "label": f"{rate:.4g} a step, an estimate"}
        return ax.plot(steps[shown], line[shown], **style)[0]

    def _title(self) -> str:
        said = [] if self.algorithm is None else [self.algorithm]
        certificate = self.certificate
        if certificate is not None:
            said += [str(certificate.status), f"optimality {certificate.optimality:.1e}"]
            if certificate.tangent_error is not None:
                kind = "at most" if certificate.certified else "about"
                said.append(f"error of J {kind} {certificate.tangent_error:.1e}")
        return ", ".join(said)
