"""The Lasso of the pictures: 60 rows, 120 columns, 8 true coefficients."""

import numpy as np

import fastpiggy as fp


def make():
    """The problem at a tenth of alpha_max, and X."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 120))
    y = X[:, :8] @ [3.0, -2.0, 2.0, -1.5, 1.0, 1.0, -1.0, 2.0] + 0.5 * rng.standard_normal(60)
    problem = fp.lasso(X, y, alpha=1.0)
    return problem.replace(alpha=0.1 * problem.alpha_max()), X


def after(problem, iterations, **options):
    """The solution that forward-backward stops with after so many iterations."""
    import warnings

    with warnings.catch_warnings():
        # Runs that are cut short are what the pictures are about.
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        return fp.solve(
            problem,
            wrt="alpha",
            algorithm="forward_backward",
            tol=1e-15,
            max_iter=iterations,
            **options,
        )
