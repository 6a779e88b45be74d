"""Alphas of other packages: the same coefficients as theirs, or the conditions of their minimum."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression

import fastpiggy as fp

rng = np.random.default_rng(5)
n, p = 60, 8
X = rng.standard_normal((n, p)) * np.geomspace(0.3, 3.0, p) + rng.standard_normal(p)
y = X[:, 0] - X[:, 1] + 2.0 + 0.7 * rng.standard_normal(n)
labels = np.where(y + rng.standard_normal(n) > np.median(y), "yes", "no")
weight = rng.uniform(0.2, 3.0, n)


@pytest.mark.parametrize("sample_weight", [None, weight], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("solver", "l1_ratio", "intercept"),
    [("liblinear", 1.0, False), ("saga", 1.0, True), ("saga", 0.4, True)],
)
def test_logistic_regression(solver, l1_ratio, intercept, sample_weight):
    C = 0.3
    theirs = LogisticRegression(
        C=C, l1_ratio=l1_ratio, solver=solver, fit_intercept=intercept, tol=1e-10, max_iter=50000
    ).fit(X, labels, sample_weight=sample_weight)
    rows = n if sample_weight is None else sample_weight
    sol = fp.solve(
        fp.logistic(
            X, labels, fp.from_C(C, rows), l1_ratio, sample_weight=sample_weight,
            fit_intercept=intercept,
        )
    )  # fmt: skip
    np.testing.assert_allclose(sol.x, theirs.coef_[0], atol=1e-6)
    np.testing.assert_allclose(sol.intercept, np.ravel(theirs.intercept_)[0], atol=1e-6)


def test_slope_in_C():
    sol = fp.solve(fp.logistic(X, labels, fp.from_C(0.3, n), fit_intercept=True), wrt="alpha")
    h = 1e-5
    up, down = (fp.solve(fp.logistic(X, labels, fp.from_C(0.3 + s, n), fit_intercept=True)).x
                for s in (h, -h))  # fmt: skip
    slope = -sol.jacobian["alpha"] / (n * 0.3**2)
    np.testing.assert_allclose(slope, (up - down) / (2 * h), atol=1e-5)


def glmnet_violation(X, y, w, b, *, family, lam, alpha, weights, standardize, intercept, factor):
    """The largest violation of glmnet's own conditions, as its ``standard`` scales the data."""
    s = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    vp = np.ones(p) if factor is None else p * factor / factor.sum()
    xs = np.sqrt(s @ X**2 - (s @ X) ** 2) if standardize else np.ones(p)
    ys = np.sqrt(s @ y**2 - (s @ y) ** 2) if family == "gaussian" else 1.0
    beta, level = w * xs / ys, lam / ys
    fit = (X / xs) @ beta + b / ys
    r = y / ys - fit if family == "gaussian" else y - 1 / (1 + np.exp(-fit))
    gradient = (X / xs).T @ (s * r) - level * (1 - alpha) * vp * beta
    top = level * alpha * vp
    off = np.where(beta != 0, np.abs(gradient - top * np.sign(beta)), np.abs(gradient) - top)
    centre = abs(s @ r) if intercept else 0.0
    return max(off.max(), centre) / level


GLMNET = {
    "plain": {},
    "as it comes": {"standardize": False},
    "weights": {"weights": weight},
    "penalty factor": {"penalty_factor": np.array([0.0, 1, 2, 1, 1, 0.5, 1, 3])},
    "no intercept": {"intercept": False},
    "elastic net": {"alpha": 0.3, "standardize": False},
    "elastic net, weights": {"alpha": 0.3, "standardize": False, "weights": weight},
}


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("call", GLMNET.values(), ids=GLMNET)
def test_glmnet(family, call):
    target = y if family == "gaussian" else (labels == "yes").astype(float)
    make = fp.elastic_net if family == "gaussian" else fp.logistic
    lam = 0.1 if family == "gaussian" else 0.02
    asked = fp.from_glmnet(X, target, lam, family=family, **call)
    sol = fp.solve(make(X, target, **asked))
    said = {"alpha": 1.0, "weights": None, "standardize": True, "intercept": True, **call}
    factor = said.pop("penalty_factor", None)
    off = glmnet_violation(
        X, target, sol.x, sol.intercept, family=family, lam=lam, factor=factor, **said
    )
    assert off < 1e-8 and 0 < np.count_nonzero(sol.x)
    sparse = fp.from_glmnet(scipy.sparse.csr_array(X), target, lam, family=family, **call)
    np.testing.assert_allclose(sparse.pop("weights"), asked.pop("weights"), rtol=1e-12)
    np.testing.assert_equal(sparse, asked)


def test_the_limits_of_glmnet():
    """Alpha 0 has no l1 part, lambda 0 no penalty at all."""
    ridge = fp.from_glmnet(X, y, 0.1, alpha=0.0, standardize=False)
    assert ridge["l1_ratio"] == 0.0 and ridge["alpha"] == pytest.approx(0.1 / y.std(), rel=1e-12)
    assert fp.from_glmnet(X, y, 0.0)["alpha"] == 0.0


def test_elastic_net_on_standardised_columns():
    """What the message advises: the same coefficients as of the standardised call."""
    sd = X.std(axis=0)
    with pytest.raises(ValueError, match="divide its coefficients by the same"):
        fp.from_glmnet(X, y, 0.1, alpha=0.5)
    sol = fp.solve(fp.elastic_net(X / sd, y, **fp.from_glmnet(X / sd, y, 0.1, alpha=0.5)))
    said = {"family": "gaussian", "lam": 0.1, "alpha": 0.5, "weights": None, "intercept": True}
    off = glmnet_violation(X, y, sol.x / sd, sol.intercept, standardize=True, factor=None, **said)
    assert off < 1e-8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "poisson"}, "family must be"),
        ({"lam": -1.0}, "lam must be"),
        ({"alpha": 2.0}, "alpha must be"),
        ({"penalty_factor": np.zeros(p)}, "positive entry"),
        ({"X": np.where(np.arange(p) == 3, 5.0, X)}, "column 3 of X is constant"),
        ({"y": np.ones(n), "alpha": 0.0, "standardize": False}, "y is constant"),
    ],
)
def test_what_glmnet_does_not_take(change, message):
    with pytest.raises(ValueError, match=message):
        fp.from_glmnet(**{"X": X, "y": y, "lam": 0.1, **change})


@pytest.mark.parametrize(("C", "rows"), [(0.0, 5), (1.0, 0), (1.0, np.zeros(3))])
def test_what_no_C_is(C, rows):
    with pytest.raises(ValueError, match=r"(C|rows|sample_weight) must"):
        fp.from_C(C, rows)


def test_celer_takes_the_same():
    celer = pytest.importorskip("celer", reason="a peer, of the extra [peers]")
    problem = fp.lasso(X, y, 0.1, weights=np.linspace(0.5, 2.0, p), fit_intercept=True)
    theirs = celer.Lasso(alpha=0.1, weights=np.linspace(0.5, 2.0, p), tol=1e-12).fit(X, y)
    np.testing.assert_allclose(fp.solve(problem).x, theirs.coef_, atol=1e-6)
    groups = np.arange(p) // 2
    ours = fp.group_lasso(X, y, 0.1, groups, weights=np.ones(4), fit_intercept=True)
    theirs = celer.GroupLasso(groups=2, alpha=0.1, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(fp.solve(ours).x, theirs.coef_, atol=1e-6)
    theirs = celer.LogisticRegression(C=0.3, tol=1e-12).fit(X, labels)
    ours = fp.logistic(X, labels, fp.from_C(0.3, n))
    np.testing.assert_allclose(fp.solve(ours).x, theirs.coef_[0], atol=1e-6)
