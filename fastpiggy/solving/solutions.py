"""The solutions of many problems, each made when it is looked at."""

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from fastpiggy.active_set import many
from fastpiggy.active_set.many import Batch, Outcome
from fastpiggy.active_set.reading import PIVOT
from fastpiggy.active_set.work import CHANGES, FACTORISATIONS, PASSES, SOLVED, SWEEPS
from fastpiggy.certificate import Status
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving.active import NEAR
from fastpiggy.solving.binding import bind
from fastpiggy.solving.found import CORRECTION, Found, solution


def clean(out: Outcome) -> np.ndarray:
    """Which certificates follow from what the loop has written, by the rules of one solve."""
    numbers = out.numbers
    return (
        (out.code == SOLVED)
        & (numbers[:, many.DISTANCE] > 4 * NEAR)
        & (numbers[:, many.PIVOT] > PIVOT)
        & (numbers[:, many.CORRECTION] <= CORRECTION)
    )


class Solutions(Sequence[Solution]):
    """What :func:`fastpiggy.solve_many` returns: a sequence of :class:`fastpiggy.Solution`.

    Solutions out of the compiled loop are kept in arrays, and made when they are looked at; a
    slice is a list of them.  The arrays of all at once are there without that.
    """

    def __init__(
        self, problems: list[Any], at: list[int], batch: Batch, out: Outcome,
        directions: list[wrt.Direction], tol: float, apart: dict[int, Solution],
    ) -> None:  # fmt: skip
        self._problems, self._apart = problems, apart
        self._out, self._directions, self._tol = out, directions, tol
        self._begin = batch.problems[:, many.COLUMN].tolist()
        self._row = np.full(len(problems), -1)
        self._row[at] = np.arange(len(at))
        self._made: dict[int, Solution] = {}

    def __len__(self) -> int:
        return len(self._problems)

    @overload
    def __getitem__(self, index: int) -> Solution: ...
    @overload
    def __getitem__(self, index: slice) -> list[Solution]: ...
    def __getitem__(self, index: int | slice) -> Solution | list[Solution]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = range(len(self))[index]
        found = self._apart.get(i) or self._made.get(i)
        if found is None:
            found = self._made[i] = self._make(i)
        return found

    @property
    def x(self) -> np.ndarray:
        """Coefficients of all, of shape (count, p).

        This and the next three raise ValueError where the problems differ in shape.
        """
        return self._stacked("x", lambda s: s.x, self._x)

    @property
    def intercept(self) -> np.ndarray:
        """Intercepts of all, of shape (count,)."""
        return self._stacked(
            "intercept", lambda s: np.float64(s.intercept), lambda rows: self._out.intercept[rows]
        )

    @property
    def jacobian(self) -> dict[str, np.ndarray]:
        """Jacobians of all, by parameter, each of shape (count,) + that of one."""
        return {
            name: self._stacked(
                f"jacobian[{name!r}]", lambda s, name=name: s.jacobian[name],
                lambda rows, name=name: self._split(self._J(rows))[name],
            )
            for name in self._names
        }  # fmt: skip

    @property
    def intercept_jacobian(self) -> dict[str, np.ndarray]:
        """The same of the intercepts."""
        return {
            name: self._stacked(
                f"intercept_jacobian[{name!r}]",
                lambda s, name=name: np.asarray(s.intercept_jacobian[name]),
                lambda rows, name=name: self._split(
                    self._out.along_intercept[rows][:, None]
                )[name][:, 0],
            )
            for name in self._names
        }  # fmt: skip

    @property
    def statuses(self) -> list[Status]:
        """The status of each certificate."""
        found = [Status.CONVERGED] * len(self)
        for i, solution_ in self._apart.items():
            found[i] = solution_.certificate.status
        return found

    @property
    def _names(self) -> list[str]:
        if self._directions or not self._apart:
            return [direction.name for direction in self._directions]
        return list(next(iter(self._apart.values())).jacobian)

    def _stacked(
        self, name: str, of_one: Callable[[Solution], Any], of_rows: Callable[[Any], Any]
    ) -> np.ndarray:
        """One array of what solutions apart and rows of the loop's arrays hold.

        `of_rows` takes a slice of rows whose problems have one shape.
        """
        widths = set(np.diff(self._begin).tolist())
        if not self._apart and len(widths) == 1:
            return of_rows(slice(0, len(self)))
        parts = [
            of_one(self._apart[i]) if i in self._apart else of_rows(slice(row, row + 1))[0]
            for i, row in enumerate(self._row.tolist())
        ]
        shapes = {np.shape(part) for part in parts}
        if len(shapes) > 1:
            raise ValueError(
                f"{name} of all needs problems of one shape, got "
                f"{', '.join(map(str, sorted(shapes)))}; take it from each solution"
            )
        return np.array(parts)

    def _x(self, rows: slice) -> np.ndarray:
        return self._out.x[self._begin[rows.start] : self._begin[rows.stop]].reshape(
            rows.stop - rows.start, -1
        )

    def _J(self, rows: slice) -> np.ndarray:
        """Tangents of shape (rows, p, m)."""
        m = self._out.along_intercept.shape[1]
        flat = self._out.J[m * self._begin[rows.start] : m * self._begin[rows.stop]]
        return flat.reshape(rows.stop - rows.start, m, -1).transpose(0, 2, 1)

    def _split(self, J: np.ndarray) -> dict[str, np.ndarray]:
        """Tangents of shape (rows, p, m) by parameter, in its shape."""
        found, k = {}, 0
        for d in self._directions:
            found[d.name] = J[:, :, k : k + len(d.values)].reshape(*J.shape[:2], *d.shape)
            k += len(d.values)
        return found

    def _make(self, i: int) -> Solution:
        """A solution out of the loop, as :mod:`fastpiggy.solving.exact` makes one."""
        problem, row, out = self._problems[i], int(self._row[i]), self._out
        rows, count = slice(row, row + 1), out.counts[row]
        violation, scale, _, _, curvature, term, size, _ = out.numbers[row].tolist()
        rounding = np.finfo(float).eps * (term + (2.0 * curvature) ** 0.5 * size)
        J = self._J(rows)[0] if self._directions else None
        cost = Cost(
            "active_set", int(count[PASSES]), int(count[CHANGES]), int(count[FACTORISATIONS]),
            int(count[SWEEPS]),
        )  # fmt: skip
        found = Found(
            self._x(rows)[0], float(out.intercept[row]), J,
            out.along_intercept[row] if self._directions else None, None,
            violation / scale, rounding / scale, True, True, cost,
        )  # fmt: skip
        binding = bind(problem, True, np.zeros(problem.shape[1]))
        return solution(binding, found, self._directions, self._tol)

    def __getstate__(self) -> dict[str, Any]:
        # What can be made again is not written down.
        return {**self.__dict__, "_made": {}}

    def __repr__(self) -> str:
        good = self.statuses.count(Status.CONVERGED)
        return f"<Solutions of {len(self)} problems: {good} converged>"
