"""tune beside scikit-learn's LassoCV with 100 alphas, five folds, intercept."""

if __name__ == "__main__":
    from benchmarks.common import one_thread

    one_thread()

import sys
import warnings

import fastpiggy as fp
from benchmarks.common import dense_case, head, interleaved, publish, row


def main() -> None:
    """Print the table."""
    from sklearn.linear_model import LassoCV

    warnings.simplefilter("ignore")
    quick = "--quick" in sys.argv
    study = fp.datasets.load_diabetes(degree=3)
    data = {"diabetes, degree 3 (442x283)": (study.X, study.y)}
    if not quick:
        data["800x1200, rho .5, 5 % support"] = dense_case(800, 1200, 0.5, n_val=50)
    table = head(
        "data", "tune, s", "evaluations", "LassoCV, s", "factor",
        "exact CV loss at ours / at LassoCV's best alpha, less 1",
    )  # fmt: skip
    for name, (X, y) in data.items():
        problem = fp.lasso(X, y, alpha=1.0, fit_intercept=True)
        results = {}

        def ours(problem=problem, results=results) -> None:
            results["ours"] = fp.tune(fp.CrossVal(problem, cv=5))

        def theirs(X=X, y=y, results=results) -> None:
            results["theirs"] = LassoCV(alphas=100, cv=5).fit(X, y)

        seconds = interleaved({"ours": ours, "theirs": theirs}, 1 if quick else 5)
        exact = fp.CrossVal(problem, cv=5, tol=1e-10)
        found = exact.evaluate_quietly(alpha=results["ours"].params["alpha"]).value
        peer = exact.evaluate_quietly(alpha=float(results["theirs"].alpha_)).value
        table.append(
            row(name, f"{seconds['ours']:.3f}", len(results["ours"].history),
                f"{seconds['theirs']:.2f}", f"{seconds['theirs'] / seconds['ours']:.1f}",
                f"{found / peer - 1:.1e}")
        )  # fmt: skip
    publish("search", "Tuning alpha of the Lasso by cross-validation", table)


if __name__ == "__main__":
    main()
