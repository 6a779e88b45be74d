"""Parameters and attributes that several estimators share, described once."""

import re
from textwrap import dedent, indent
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)

#: What a line of a class's docstring that is a name in braces stands for.
_SHARED = {
    name: dedent(text).strip("\n")
    for name, text in {
        "alpha": """
            alpha : float or array_like of shape (q,), default=1.0
                Not negative; one for all targets or one each.
            """,
        "fit_intercept": "fit_intercept : bool, default=True",
        "max_iter": """
            max_iter : int, optional
                Iterations of the algorithm at the most.
            """,
        "tol": """
            tol : float, default=1e-9
                On the optimality of the certificate, not on scikit-learn's duality gap.
            """,
        "warm_start": """
            warm_start : bool, default=False
                Start from the last fit.
            """,
        "positive": """
            positive : bool, default=False
                Whether coefficients must not be negative.
            """,
        "no_effect": """
            precompute, copy_X, random_state, selection
                scikit-learn's; without effect: the solution is exact, X is never changed.
            """,
        "no_effect_cv": """
            max_iter, precompute, copy_X, verbose, random_state, selection
                scikit-learn's; without effect.
            """,
        "eps": """
            eps : float, default=1e-3
                The search looks from alpha_max down to eps times that at the furthest.
            """,
        "alphas": """
            alphas : int or array_like, default=100
                An array: the best of it is taken, as scikit-learn does.  A number: alpha is
                searched by slopes, whatever the number; ``alphas_`` are those that were visited.
            """,
        "cv": """
            cv : int, splitter or iterable, optional
                As in scikit-learn: 5 folds by default.
            """,
        "n_jobs": """
            n_jobs : int, optional
                Threads over folds.
            """,
        "class_weight": """
            class_weight : dict or "balanced", optional
                As in scikit-learn.
            """,
        "fitted": """
            coef_ : ndarray of shape (p,) or (q, p)
            intercept_ : float or ndarray of shape (q,)
            n_iter_ : int or ndarray of shape (q,)
            certificate_ : Certificate, or a list with one a target
                How far the solution can be trusted.
            n_features_in_, feature_names_in_
                As in scikit-learn.
            """,
        "searched": """
            alpha_, criterion_ : float or ndarray of shape (q,)
                The best alpha, and the mean squared error over folds there.
            gradient_ : dict, or a list with one a target
                The slope of the criterion at the best.
            history_ : tuple of Evaluation, or a list with one a target
            alphas_ : ndarray of shape (k,), or a list
                From the largest down.
            mse_path_ : ndarray of shape (k, folds), or a list
            """,
        "fitted_classes": """
            classes_ : ndarray of shape (2,)
            coef_ : ndarray of shape (1, p)
            intercept_, n_iter_ : ndarray of shape (1,)
            certificate_ : Certificate
                How far the solution can be trusted.
            n_features_in_, feature_names_in_
                As in scikit-learn.
            """,
        "fitted_covariance": """
            location_ : ndarray of shape (p,)
            covariance_, precision_ : ndarray of shape (p, p)
            n_iter_ : int
            certificate_ : Certificate
                How far the solution can be trusted.
            """,
    }.items()
}


def described(cls: _Class) -> _Class:
    """Write out the lines of the docstring that are a name in braces."""

    def text(line: re.Match[str]) -> str:
        return indent(_SHARED[line[2]], line[1])

    if cls.__doc__:  # there is none under python -OO
        cls.__doc__ = re.sub(r"^( *)\{(\w+)\}$", text, cls.__doc__, flags=re.MULTILINE)
    return cls
