"""Scores of predictions by scikit-learn's scorers, over alphas."""

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring, get_scorer


class _Given(RegressorMixin, BaseEstimator):
    """Predicts what it is given: scorers ask an estimator."""

    def fit(self, X: Any, y: Any = None) -> "_Given":
        return self

    def predict(self, X: Any) -> Any:
        return X


def scorer(scoring: Any, default: str | None) -> Any:
    """The scorer that ``scoring=`` names; that of `default` where it is None."""
    if scoring is None:
        return None if default is None else get_scorer(default)
    if not isinstance(scoring, str) and not callable(scoring):
        raise ValueError(
            f"scoring must be None, a scorer's name such as 'r2' or a callable of estimator, X and "
            f"y, got {scoring!r}"
        )
    return check_scoring(_Given(), scoring)


def scores(judge: Any, y: np.ndarray, predictions: np.ndarray, weight: Any = None) -> np.ndarray:
    """One score for each entry of the last axis of predictions; NaN where they are not finite.

    As in scikit-learn the weights of the rows go to the scorer unless metadata are routed, and
    then where it has asked for them.
    """
    more = {} if weight is None or not _asks(judge) else {"sample_weight": weight}
    found = np.full(predictions.shape[-1], np.nan)
    for i in range(found.size):
        if np.all(np.isfinite(predictions[..., i])):
            found[i] = judge(_Given(), predictions[..., i], y, **more)
    return found


def _asks(judge: Any) -> bool:
    if not get_config()["enable_metadata_routing"]:
        return True
    if not hasattr(judge, "get_metadata_routing"):
        return False
    return judge.get_metadata_routing().score.requests.get("sample_weight") is True
