"""What many targets on one X share: the Gram matrices of all folds, and their products with X.

Everything is centred on the rows in question.  Where every row is judged once, the products on a
fold's training rows are those on all rows less those on its judging rows: with the judging rows
centred as the training rows are, t their share of the weights, and Dx, Dy the means of the judging
rows then, ::

    C_all   = sum_v t_v (P_v - (1 - (1 - t_v)^2) Dx_v Dy_v)
    C_train = (C_all - t P + t^2 Dx Dy) / (1 - t)
"""

from typing import Any

import numpy as np

from fastpiggy.active_set.target_bench import Shared, Targets
from fastpiggy.designs import matrix

#: Bytes that the Gram matrices of all folds may take.
LARGEST = 2**30

#: A target that varies by less than this part of its size is constant.
_CONSTANT = 1e-14

#: Rows of Gram matrices that are computed with at a time.
_SLAB = 32

#: Products on the judging rows are kept too where there are so many more rows than columns.
_TALL = 2


def bytes_of_grams(folds: int, n: int, p: int) -> int:
    """Memory that the Gram matrices of all folds and of all rows take."""
    return 8 * (2 * folds + 1 if n > _TALL * p else folds + 1) * p * p


class SharedFolds:
    """The folds of a Lasso, and what its targets share.

    Parameters
    ----------
    criterion : CrossVal
        Its problem is a Lasso.
    """

    def __init__(self, criterion: Any) -> None:
        problem = criterion.problem
        parts = criterion.parts
        self.design, self.intercept = problem.design, problem.fit_intercept
        self.n, self.p = problem.shape
        self.raw = problem.loss.sample_weight
        self.each_once = criterion.each_row_once
        self.judged = [np.flatnonzero(part.loss.sample_weight) for part in parts]
        self.judging = [
            part.loss.sample_weight[rows] for part, rows in zip(parts, self.judged, strict=True)
        ]
        self.share = np.array([self.raw[rows].sum() for rows in self.judged])
        weights = [part.problem.loss.sample_weight for part in parts]
        # Training rows of each fold, and all rows last.
        self.weight = np.vstack([*weights, self.raw])
        self.means = np.zeros((len(parts) + 1, self.p))
        if self.intercept:
            self.means = np.ascontiguousarray(matrix.scatter(self.design, self.weight.T).T)
        self._columns()
        thresholds = problem.penalty.weights
        self.tall = self.n > _TALL * self.p
        judged = np.empty((len(parts) if self.tall else 0, self.p, self.p))
        for columns, product in zip(self.columns, judged, strict=False):
            np.matmul(columns, columns.T, out=product)
        self.shared = Shared(
            self._grams(judged), self.columns, judged, thresholds,
            np.flatnonzero(thresholds == 0.0),
        )  # fmt: skip

    def _columns(self) -> None:
        """Judging rows, or, where they are more than the columns, a triangle that does for them."""
        most = max(rows.size for rows in self.judged)
        self.height = min(most, self.p)
        self.columns = np.zeros((len(self.judged), self.p, self.height))
        self.turned: list[np.ndarray | None] = []
        self.shifts = np.zeros((len(self.judged), self.p))
        stored = matrix.stored(self.design)
        for v, (rows, s) in enumerate(zip(self.judged, self.judging, strict=True)):
            block = stored[_run_of(rows)]
            block = block.toarray() if hasattr(block, "toarray") else block
            block = (block.astype(float, copy=False) - self.means[v]) * np.sqrt(s)[:, None]
            self.shifts[v] = np.sqrt(s) @ block
            turned = None
            if rows.size > self.p:
                turned, block = np.linalg.qr(block)
            self.turned.append(turned)
            self.columns[v, :, : block.shape[0]] = block.T

    def _grams(self, judged: np.ndarray) -> np.ndarray:
        grams = np.empty((len(self.judged) + 1, self.p, self.p))
        if self.each_once:
            if self.tall:
                grams[:-1] = judged
            else:
                for columns, gram in zip(self.columns, grams, strict=False):
                    np.matmul(columns, columns.T, out=gram)
            shifts = self.shifts if self.intercept else np.zeros_like(self.shifts)
            self._to_training(grams, shifts, shifts)
            return grams
        X = matrix.block(self.design, np.arange(self.p)) - self.means[-1]
        for weight, mean, gram in zip(self.weight, self.means, grams, strict=True):
            np.matmul((X * weight[:, None]).T, X, out=gram)
            shift = mean - self.means[-1]
            gram -= np.multiply.outer(shift, shift)
        return grams

    def _to_training(self, products: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> None:
        """From products on judging rows to those on training rows and, in the last, on all."""
        products[-1] = 0.0
        for first in range(0, self.p, _SLAB):
            # By slabs of rows, which stay in the cache.
            rows = slice(first, first + _SLAB)
            total = products[-1, rows]
            for t, P, x, y in zip(self.share, products, dx[:, rows], dy, strict=False):
                total += t * P[rows]
                total -= np.multiply.outer(t * t * (2.0 - t) * x, y)
            for t, P, x, y in zip(self.share, products, dx[:, rows], dy, strict=False):
                P[rows] *= -t / (1.0 - t)
                P[rows] += total / (1.0 - t)
                P[rows] += np.multiply.outer(t * t / (1.0 - t) * x, y)

    def targets(self, Y: np.ndarray) -> tuple[Targets, np.ndarray]:
        """A block of targets, of shape (n, count), and their means on all rows."""
        folds, count = len(self.judged), Y.shape[1]
        centre = np.zeros(count)
        if self.intercept:
            centre = self.raw @ Y / self.raw.sum()
            Y = Y - centre
            flat = np.abs(Y).max(axis=0) <= _CONSTANT * np.abs(centre)
            Y[:, flat] = 0.0
        means = self.weight @ Y if self.intercept else np.zeros((folds + 1, count))
        judged, rest = np.zeros((folds, self.height, count)), np.zeros(count)
        products, shifts = np.empty((folds + 1, self.p, count)), np.zeros((folds, count))
        for v, (rows, s, turned) in enumerate(
            zip(self.judged, self.judging, self.turned, strict=True)
        ):
            z = (Y[_run_of(rows)] - means[v]) * np.sqrt(s)[:, None]
            shifts[v] = np.sqrt(s) @ z
            if turned is not None:
                inside = turned.T @ z
                rest += np.maximum((z * z).sum(axis=0) - (inside * inside).sum(axis=0), 0.0)
                z = inside
            judged[v, : z.shape[0]] = z
        if self.each_once or self.tall:
            for v in range(folds):
                np.matmul(self.columns[v], judged[v], out=products[v])
        pulled = np.zeros((count, folds, self.p if self.tall else 0))
        if self.tall:
            pulled[:] = products[:-1].transpose(2, 0, 1)
        if self.each_once:
            zeros = np.zeros_like(shifts)
            self._to_training(
                products, self.shifts, shifts if self.intercept else zeros
            )  # fmt: skip
        else:
            for v in range(folds + 1):
                tails = self.weight[v][:, None] * (Y - means[v])
                products[v] = matrix.scatter(self.design, tails)
        block = Targets(
            np.ascontiguousarray(products.transpose(2, 0, 1)), pulled,
            np.ascontiguousarray(judged.transpose(2, 0, 1)), rest / folds,
        )  # fmt: skip
        return block, centre + means[-1]


def _run_of(rows: np.ndarray) -> Any:
    """Row indices as a slice where they are consecutive."""
    if rows.size and rows[-1] - rows[0] + 1 == rows.size and np.all(np.diff(rows) == 1):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
