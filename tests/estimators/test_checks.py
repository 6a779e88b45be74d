"""scikit-learn's own checks, on every estimator."""

import pytest
import sklearn
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from fastpiggy import estimators as est

#: Searches are kept small: the checks look at the face, not at what is found.
_FEW = [0.3, 0.03]
ESTIMATORS = [
    est.Lasso(alpha=0.1),
    est.LassoCV(cv=3),
    est.ElasticNet(alpha=0.1),
    est.ElasticNetCV(alphas=_FEW, cv=3),
    est.Ridge(),
    est.RidgeCV(cv=3),
    est.GroupLasso(alpha=0.1),
    est.GroupLassoCV(alphas=_FEW, cv=3),
    est.WeightedLassoCV(alphas=_FEW, cv=3, max_evals=4),
    est.SparseLogisticRegression(),
    est.SparseLogisticRegressionCV(Cs=[1.0, 10.0], cv=3),
    est.GraphicalLasso(),
    est.GraphicalLassoCV(alphas=_FEW, cv=3),
]

#: What scikit-learn has no checks for: one position a row is no matrix (as IsotonicRegression).
UNCHECKED = [est.TrendFilter()]

#: Checks of each estimator in the order above, with scikit-learn 1.9.
COUNTS = [61] * 9 + [65] * 2 + [41] * 2


# What these tiny problems leave to warn of (constant targets, few evaluations) is no
# part of the face.
pytestmark = pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")


@parametrize_with_checks(ESTIMATORS)
def test_checks(estimator, check):
    check(estimator)


def test_all_estimators_are_checked():
    assert sorted(type(e).__name__ for e in ESTIMATORS + UNCHECKED) == sorted(est.__all__)


@pytest.mark.skipif(
    not sklearn.__version__.startswith("1.9."), reason="other versions have other checks"
)
def test_number_of_checks():
    assert [len(list(estimator_checks_generator(e))) for e in ESTIMATORS] == COUNTS
