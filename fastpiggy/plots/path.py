"""Coefficients and their derivatives over alpha, with the knots where the active set changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpiggy.plots.figure import new_axes
from fastpiggy.structured.signal import Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How far beyond a knot, relative to alpha, the path is looked at on both sides of it.
BESIDE = 1e-6
#: Steps towards one knot at the most: Newton steps, where the path is not piecewise linear.
STEPS = 12


class PathDisplay:
    """Coefficients over alpha, their derivative in alpha below, and the knots.

    Made by :meth:`from_problem`.

    Parameters
    ----------
    alphas : ndarray of shape (k,)
        Descending.
    coefficients, jacobian : ndarray of shape (k, p)
        The solutions, and their derivatives in alpha.
    knots : ndarray, optional
        Where the active set changes; None where the penalty has no threshold.

    Attributes
    ----------
    ax_, jacobian_ax_ : matplotlib.axes.Axes
        The latter None where only the coefficients are drawn.
    figure_ : matplotlib.figure.Figure
    lines_, jacobian_lines_ : dict of int to matplotlib.lines.Line2D
        By coefficient; those that are zero everywhere are left out.
    """

    def __init__(
        self, *, alphas: np.ndarray, coefficients: np.ndarray, jacobian: np.ndarray,
        knots: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.alphas = alphas
        self.coefficients = coefficients
        self.jacobian = jacobian
        self.knots = knots

    @classmethod
    def from_problem(
        cls, problem: Any, *, alphas: Any = 100, ax: Any = None, names: Sequence[str] | None = None
    ) -> PathDisplay:
        """Follow the path of a problem and draw it.

        Beside the given alphas the path is solved on both sides of every knot.  The margins of the
        certificates say where knots are; where the path is not piecewise linear, by Newton steps,
        and a coefficient that comes and goes again between two neighbours may be missed there.

        Parameters
        ----------
        problem : problem
            With one alpha.
        alphas : int or array_like, default=100
            Where to solve; a number: so many at equal ratios in :func:`fastpiggy.alpha_range`, and
            a little above.
        ax : matplotlib.axes.Axes or sequence of two, optional
            One for the coefficients only, two for both; a new figure if not given.
        names : sequence of str, optional
            Names of the coefficients, for a legend.

        Returns
        -------
        PathDisplay

        Raises
        ------
        ValueError
            Where alpha is not one number, or the alphas are not positive.

        Examples
        --------
        >>> import numpy as np
        >>> import fastpiggy as fp
        >>> problem = fp.lasso(np.eye(2), np.array([3.0, 1.0]), alpha=1.0)
        >>> display = fp.plots.PathDisplay.from_problem(problem)
        >>> display.knots.round(6)
        array([1.5, 0.5])
        """
        found = list(_walk(problem, _descending(problem, alphas)))
        knots = np.array([knot for *_, knot in found if knot is not None])
        thresholds = found[0][1].certificate.margin is not None
        return cls(
            alphas=np.array([alpha for alpha, *_ in found]),
            coefficients=np.array([np.ravel(sol.x) for _, sol, _ in found]),
            jacobian=np.array([np.ravel(sol.jacobian["alpha"]) for _, sol, _ in found]),
            knots=knots if thresholds else None,
        ).plot(ax, names=names)

    def plot(self, ax: Any = None, *, names: Sequence[str] | None = None) -> PathDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or sequence of two, optional
            One for the coefficients only, two for both; a new figure if not given.
        names : sequence of str, optional
            Names of the coefficients, for a legend.

        Returns
        -------
        PathDisplay
            Itself.
        """
        axes = np.ravel(new_axes(2) if ax is None else ax)
        if axes.size > 2:
            raise ValueError(f"ax must be one axes or two, got {axes.size}")
        for each in axes:
            if self.knots is not None:
                across = each.get_xaxis_transform()
                each.vlines(self.knots, 0, 1, transform=across, color="0.88", linewidth=0.7)
            each.set_xscale("log")
        self.lines_ = self._lines(axes[0], self.coefficients, names)
        axes[0].set_ylabel("coefficients")
        axes[-1].set_xlabel("alpha")
        if names is not None:
            axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
        self.ax_, self.figure_ = axes[0], axes[0].figure
        self.jacobian_ax_, self.jacobian_lines_ = None, {}
        if axes.size == 2:
            self.jacobian_ax_ = axes[1]
            self.jacobian_lines_ = self._lines(axes[1], self.jacobian, None)
            # On an axis of log alpha it grows like 1/alpha.
            sizes = np.abs(self.jacobian).max(axis=1)
            usual = np.median(sizes[sizes > 0]) if np.any(sizes > 0) else 1.0
            axes[1].set_yscale("symlog", linthresh=usual)
            axes[1].set_ylabel("derivative in alpha")
        return self

    def _lines(self, ax: Axes, values: np.ndarray, names: Sequence[str] | None) -> dict[int, Any]:
        moving = np.flatnonzero(np.any(self.coefficients != 0, axis=0))
        return {
            int(j): ax.plot(
                self.alphas, values[:, j], color=f"C{j % 10}", linewidth=1,
                label=None if names is None else names[j],
            )[0]
            for j in moving
        }  # fmt: skip


def _descending(problem: Any, alphas: Any) -> np.ndarray:
    if np.ndim(problem.parameters.get("alpha", ())):
        raise ValueError("the problem must have one number alpha, to be drawn over it")
    if np.ndim(alphas) == 0:
        from fastpiggy.tuning import alpha_range

        low, high = alpha_range(problem)
        return np.geomspace(1.05 * high, low, int(alphas))
    found = np.sort(np.asarray(alphas, dtype=float))[::-1]
    if not found.size or not found[-1] > 0:
        raise ValueError(f"alphas must be positive numbers, got {alphas!r}")
    return found


def _walk(problem: Any, grid: np.ndarray) -> Iterator[tuple[float, Any, float | None]]:
    """Alphas with their solutions, and a knot with the one that was found just below it."""
    from fastpiggy.solving import solve

    def at(alpha: float, start: Any = None) -> Any:
        return solve(problem.replace(alpha=float(alpha)), wrt="alpha", x0=start)

    alpha, sol = float(grid[0]), at(grid[0])
    yield alpha, sol, None
    # The next place to come to stands last.
    ends, steps = grid[:0:-1].tolist(), 0
    while ends:
        margin = sol.certificate.margin
        # Just below the next knot, as seen from above.
        near = 0.0 if margin is None or steps > STEPS else (alpha - margin[0]) * (1 - BESIDE)
        lower = max(near, ends[-1])
        below = at(lower, sol)
        knot = _between(lower, below, alpha, sol)
        if knot is not None:
            above = knot * (1 + BESIDE)
            if knot > lower * (1 + 2 * BESIDE) and above < alpha and steps < STEPS:
                # It was overrun: to its upper side first, others may lie between.
                ends.append(above)
                steps += 1
                continue
            if above < alpha:
                yield above, at(above, sol), None
        yield lower, below, knot
        alpha, sol, steps = lower, below, steps + 1 if knot is None else 0
        if lower == ends[-1]:
            ends.pop()
            steps = 0


def _between(alpha: float, sol: Any, above: float, before: Any) -> float | None:
    """Where the active set changed last on the way down, as seen from below; None: nowhere."""
    margin = sol.certificate.margin
    if margin is None:
        return None
    knot = alpha + margin[1]
    # The active rows of a signal's D show in the margin only; its path is piecewise linear.
    if isinstance(sol.problem, Signal):
        return knot if knot < above else None
    return None if np.array_equal(before.x != 0, sol.x != 0) else knot
