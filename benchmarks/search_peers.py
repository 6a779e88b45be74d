"""The searches of ``benchmarks.search`` beside the Lasso's, each with the one it is compared to.

A search is a function without arguments that returns hyperparameters and what it did, in words.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import ar1, dense_case

FOLDS = 5
Search = Callable[[], tuple[dict[str, Any], str]]


def blocks(n: int, p: int, rng: np.random.Generator, inside: bool) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of 20 columns, a fifth of them with equal coefficients +-1, noise as large as signal.

    Correlation 0.9 inside a block and none between blocks, or 0.9 of neighbours.
    """
    if inside:
        X = np.sqrt(0.1) * rng.standard_normal((n, p))
        X += np.sqrt(0.9) * np.repeat(rng.standard_normal((n, p // 20)), 20, axis=1)
        X = np.asfortranarray(X)
    else:
        X = ar1(n, p, 0.9, rng)
    b = np.zeros(p)
    for g in rng.choice(p // 20, p // 100, replace=False):
        b[20 * g : 20 * g + 20] = rng.choice([-1.0, 1.0])
    signal = X @ b
    return X, signal + rng.standard_normal(n) * signal.std()


def ridge(n: int, p: int) -> tuple[Search, Search, Any, str]:
    """``RidgeCV`` over 100 alphas and the same folds."""
    from sklearn.linear_model import RidgeCV

    import fastpiggy as fp

    X, y, _, _ = dense_case(n, p, 0.5, n_val=50)
    made = fp.CrossVal(fp.ridge(X, y, 1.0, fit_intercept=True), cv=FOLDS)
    low, high = fp.alpha_range(made.problem)

    def ours() -> tuple[dict[str, Any], str]:
        problem = fp.ridge(X, y, 1.0, fit_intercept=True)
        result = fp.tune(fp.CrossVal(problem, cv=FOLDS))
        return result.params, f"{result.way}, {result.status}"

    def theirs() -> tuple[dict[str, Any], str]:
        # Its alpha is that of sums, ours that of means over the rows of a fold's training part.
        scale = n * (1.0 - 1.0 / FOLDS)
        alphas = scale * np.geomspace(low, high, 100)
        model = RidgeCV(alphas, cv=FOLDS, scoring="neg_mean_squared_error").fit(X, y)
        return {"alpha": float(model.alpha_) / scale}, "100 alphas"

    return ours, theirs, made, "RidgeCV"


def leave_one_out(n: int, p: int) -> tuple[Search, Search, Any, str]:
    """The two ``RidgeCV``, one row at a time left out, three alphas: fits, not searches alone."""
    from sklearn.linear_model import RidgeCV

    import fastpiggy as fp
    from fastpiggy import estimators

    X, y, _, _ = dense_case(n, p, 0.5, n_val=50)
    made = fp.CrossVal(fp.ridge(X, y, 1.0, fit_intercept=True), cv=FOLDS)

    def fitted(estimator: Any) -> Search:
        return lambda: ({"alpha": float(estimator.fit(X, y).alpha_) / n}, "3 alphas")

    return fitted(estimators.RidgeCV()), fitted(RidgeCV()), made, "RidgeCV of scikit-learn"


def elastic_net(n: int, p: int, inside: bool, ratios: int) -> tuple[Search, Search, Any, str]:
    """``ElasticNetCV`` over 100 alphas, at l1_ratio 0.5 or for each of several ratios."""
    from sklearn.linear_model import ElasticNetCV

    import fastpiggy as fp

    X, y = blocks(n, p, np.random.default_rng(0), inside)
    made = fp.CrossVal(fp.elastic_net(X, y, 1.0, 0.5, fit_intercept=True), cv=FOLDS)
    wrt = "alpha" if ratios == 1 else ["alpha", "l1_ratio"]
    l1_ratio = 0.5 if ratios == 1 else np.linspace(0.1, 1.0, ratios)

    def ours() -> tuple[dict[str, Any], str]:
        problem = fp.elastic_net(X, y, 1.0, 0.5, fit_intercept=True)
        result = fp.tune(fp.CrossVal(problem, cv=FOLDS), wrt)
        return {"l1_ratio": 0.5, **result.params}, f"{result.way}, {result.status}"

    def theirs() -> tuple[dict[str, Any], str]:
        from benchmarks.search import hundred

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = ElasticNetCV(l1_ratio=l1_ratio, cv=FOLDS, **hundred()).fit(X, y)
        found = {"alpha": float(model.alpha_), "l1_ratio": float(model.l1_ratio_)}
        return found, f"{100 * ratios} points, {len(caught)} warnings of no convergence"

    return ours, theirs, made, "ElasticNetCV"


def weights(n: int, p: int, start: float = 1.0) -> tuple[Search, Search, Any, str]:
    """A line search by hand, of the kind that sparse-ho has, on scikit-learn's solver.

    It starts at weights of 1 and the alpha that is best on the held-out rows; ours at weights of
    `start`.  What the search is worth on rows it has not seen comes from searches that are not
    timed.
    """
    import fastpiggy as fp

    X, y, V, u = dense_case(n, p, 0.5, frac=0.02, n_val=n)
    alpha = fp.tune(fp.HeldOut(fp.lasso(X, y, 1.0), V, u)).params["alpha"]
    made = fp.HeldOut(fp.lasso(X, y, alpha), V, u)

    def search(estimate: bool) -> tuple[Any, str]:
        with warnings.catch_warnings():
            # That the evaluations ran out is in the table.
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            problem = fp.lasso(X, y, alpha, weights=np.full(p, start))
            result = fp.tune(fp.HeldOut(problem, V, u), "weights", estimate=estimate)
        return result, f"{result.way}, {result.status}"

    outer = search(True)[0].estimate.value

    def ours() -> tuple[dict[str, Any], str]:
        result, way = search(False)
        return result.params, f"{way}; {outer:.3g} on rows not seen"

    def theirs() -> tuple[dict[str, Any], str]:
        return _line_search(X, y, V, u, alpha)

    return ours, theirs, made, "line search by hand"


def _line_search(
    X: np.ndarray, y: np.ndarray, V: np.ndarray, u: np.ndarray, alpha: float
) -> tuple[dict[str, Any], str]:
    """Gradient descent in the logarithms of the weights; the step halves or doubles."""
    t, calls, x = np.zeros(X.shape[1]), 1, np.zeros(X.shape[1])
    value, slope, x = _held_out(X, y, V, u, alpha * np.exp(t), x)
    step = 1.0 / np.linalg.norm(slope)
    for _ in range(100):
        before = value
        while True:
            new = t - step * slope
            found, at, warm = _held_out(X, y, V, u, alpha * np.exp(new), x)
            calls += 1
            if found < value or step * np.abs(slope).max() < 1e-6:
                break
            step *= 0.5
        if found >= value:
            break
        t, value, slope, x, step = new, found, at, warm, 2.0 * step
        if before - value < 1e-5 * value:
            break
    return {"weights": np.exp(t)}, f"{calls} evaluations"


def _held_out(
    X: np.ndarray, y: np.ndarray, V: np.ndarray, u: np.ndarray, levels: np.ndarray, x: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Loss, slope in the logarithms and coefficients: scikit-learn, then one linear solve."""
    from sklearn.linear_model import Lasso

    n = len(y)
    model = Lasso(1.0, fit_intercept=False, warm_start=True, tol=1e-4, max_iter=5000)
    model.coef_ = levels * x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.fit(X / levels, y).coef_ / levels
    support, slope = np.flatnonzero(found), np.zeros(len(x))
    if support.size:
        A, pull = X[:, support], levels[support] * np.sign(found[support])
        G = A.T @ A / n
        found[support] = np.linalg.lstsq(G, A.T @ y / n - pull, rcond=None)[0]
        r = V @ found - u
        slope[support] = -pull * np.linalg.lstsq(G, V[:, support].T @ r, rcond=None)[0]
        slope *= 2.0 / len(u)
    return float(np.mean((V @ found - u) ** 2)), slope, found
