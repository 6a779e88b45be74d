"""The search over one hyperparameter: a coarse set of slopes finds basins, cubic steps finish."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fastpiggy.tuning.cubic import Node, minimiser
from fastpiggy.tuning.result import SearchStatus

#: Points per unit of log(alpha), a factor e, on the way down.
_DENSITY = 2.0

#: The way down ends where the curve rises, this far above the best and this far below its alpha.
_RISEN, _BELOW = 1.01, np.log(2.0)

#: A basin is left alone where the cubic promises less than this relative gain.
_GAIN = 1e-6

#: A step is kept this share of the bracket away from its ends.
_MARGIN = 0.05


@dataclass
class OneSearch:
    """Minimise a curve of which a point gives value and slope, on ``[low, high]``.

    Parameters
    ----------
    curve : callable
        From t to :class:`Node`.
    low, high : float
    max_evals : int
    edges : tuple of bool
        Whether the best on the low and on the high end may be the edge of too narrow a range.
    stop_early : bool
        End the way down once the curve has risen well past its best; sound where it cannot come
        down again, so for logarithms of alpha only.
    """

    curve: Callable[[float], Node]
    low: float
    high: float
    max_evals: int
    edges: tuple[bool, bool] = (True, True)
    stop_early: bool = True
    nodes: list[Node] = field(default_factory=list)
    looked_down_to: float = np.inf

    def run(self) -> SearchStatus:
        """Search; the nodes stay sorted by t."""
        self._descend()
        while len(self.nodes) < self.max_evals:
            step = self._next()
            if step is None:
                return self._verdict()
            self._add(step)
        return SearchStatus.MAX_EVALS

    def _add(self, t: float) -> None:
        self.nodes.append(self.curve(t))
        self.nodes.sort()
        self.looked_down_to = min(self.looked_down_to, t)

    def _descend(self) -> None:
        count = max(5, int(np.ceil(_DENSITY * (self.high - self.low))) + 1)
        if not self.stop_early:
            count = 9
        for t in np.linspace(self.high, self.low, min(count, self.max_evals)):
            self._add(float(t))
            best = self.best
            if (
                self.stop_early
                and best.t - t > _BELOW
                and self.nodes[0].value > _RISEN * best.value
            ):
                break

    @property
    def best(self) -> Node:
        return min(self.nodes, key=lambda node: node.value)

    def brackets(self) -> list[tuple[Node, Node]]:
        """Neighbours between which the slope turns from down to up: a local minimum each."""
        pairs = zip(self.nodes[:-1], self.nodes[1:], strict=True)
        return [(a, b) for a, b in pairs if a.slope < 0 < b.slope]

    def minima(self) -> int:
        """Local minima seen: brackets, and ends of the range where the curve falls outward."""
        ends = (self.nodes[0].slope > 0) + (self.nodes[-1].slope < 0)
        return len(self.brackets()) + int(ends)

    def _next(self) -> float | None:
        """The step that promises most, kept away from the ends of its bracket; None at the end."""
        best = self.best
        scale = abs(best.value) or 1.0
        chosen, promise = None, best.value - _GAIN * scale
        for a, b in self.brackets():
            found = minimiser(a, b)
            t, value = found if found is not None else (0.5 * (a.t + b.t), min(a.value, b.value))
            # A kink breaks the cubic: what the tangents alone allow is tried while the bracket
            # is wide enough for it to matter.
            floor = _floor(a, b)
            if min(value, 0.5 * (value + floor)) < promise and b.t - a.t > 1e-5:
                promise = min(value, 0.5 * (value + floor))
                margin = _MARGIN * (b.t - a.t)
                chosen = float(np.clip(t, a.t + margin, b.t - margin))
        return chosen

    def _verdict(self) -> SearchStatus:
        values = [node.value for node in self.nodes]
        spread = max(values) - min(values)
        if spread <= 1e-12 * max(map(abs, values)):
            return SearchStatus.FLAT
        best = self.best
        at_low = best is self.nodes[0] and best.t <= self.low and best.slope >= 0
        at_high = best is self.nodes[-1] and best.slope <= 0
        at_low, at_high = at_low and self.edges[0], at_high and self.edges[1]
        return SearchStatus.EDGE_OF_RANGE if at_low or at_high else SearchStatus.CONVERGED


def _floor(a: Node, b: Node) -> float:
    """Where the two tangents meet: no convex curve through both goes lower."""
    t = (b.value - a.value + a.slope * a.t - b.slope * b.t) / (a.slope - b.slope)
    return a.value + a.slope * (t - a.t)
