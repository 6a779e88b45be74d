"""An estimator that embeds ``fp.solve``."""

from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

import fastpiggy as fp


class RobustLasso(RegressorMixin, BaseEstimator):
    """Huber's loss with an l1 penalty."""

    def __init__(self, alpha=0.1, delta=1.0):
        self.alpha = alpha
        self.delta = delta

    def fit(self, X, y, sample_weight=None):
        """Fit, and keep the slope of the coefficients in alpha."""
        X, y = validate_data(self, X, y, y_numeric=True)
        problem = fp.huber(
            X, y, self.alpha, self.delta, sample_weight=sample_weight, fit_intercept=True
        )
        sol = fp.solve(problem, wrt="alpha")
        self.coef_, self.intercept_ = sol.x, sol.intercept
        self.coef_slope_ = sol.jacobian["alpha"]
        self.optimality_, self.status_ = sol.certificate.optimality, sol.certificate.status
        return self

    def predict(self, X):
        """Predict targets."""
        check_is_fitted(self)
        return validate_data(self, X, reset=False) @ self.coef_ + self.intercept_
