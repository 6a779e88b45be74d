"""The diabetes study of the paper on least angle regression."""

from importlib.resources import files

import numpy as np

from fastpiggy.datasets.dataset import Dataset
from fastpiggy.datasets.monomials import distinct_columns, monomials, standardise

DESCRIPTION = """Diabetes study, 442 patients

Ten measurements at the start (age, sex, body mass index, average blood pressure, six blood serum
measurements s1 to s6) and a measure of disease progression one year later.

Source: B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least angle regression", Annals of
Statistics 32 (2004), 407-499. Values taken from the copy in scikit-learn (BSD-3-Clause)."""

# Degree 5 of ten columns is 3002 monomials of 442 rows; the next has 8007, most of them noise.
MAX_DEGREE = 5


def load_diabetes(degree: int = 1) -> Dataset:
    """Load the diabetes study, or all monomials of its columns up to a degree.

    Parameters
    ----------
    degree : int, default=1
        1 gives the ten columns in the units of the study. From 2 to 5, the columns are
        standardised (mean 0, standard deviation 1), all monomials up to that degree are formed
        and standardised again; constant columns, and columns whose correlation with an earlier
        one is 1 or -1, are left out.

    Returns
    -------
    Dataset
        `X`, `y`, `feature_names` and `description`; new arrays at each call.

    Notes
    -----
    Sex has two values, so its square and its cube are functions of itself: that is why degree 3
    has 283 columns and not 285.

    References
    ----------
    .. [1] B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, "Least angle regression",
       Annals of Statistics 32 (2004), 407-499.

    Examples
    --------
    >>> from fastpiggy.datasets import load_diabetes
    >>> data = load_diabetes()
    >>> data.X.shape, data.feature_names[:3]
    ((442, 10), ('age', 'sex', 'bmi'))
    >>> load_diabetes(degree=3)
    Dataset(442 rows, 283 columns: Diabetes study, 442 patients)
    """
    if isinstance(degree, bool) or not isinstance(degree, int | np.integer):
        raise TypeError(f"degree must be an integer, got {degree!r}")
    if not 1 <= degree <= MAX_DEGREE:
        raise ValueError(f"degree must be between 1 and {MAX_DEGREE}, got {degree}")
    names, table = _read()
    X, y = np.ascontiguousarray(table[:, :-1]), table[:, -1].copy()
    if degree > 1:
        X, names = monomials(standardise(X), names, int(degree))
        X = standardise(X)
        keep = distinct_columns(X)
        X, names = np.ascontiguousarray(X[:, keep]), tuple(names[j] for j in keep)
    return Dataset(X, y, names, DESCRIPTION)


def _read() -> tuple[tuple[str, ...], np.ndarray]:
    source = files("fastpiggy.datasets") / "data" / "diabetes.csv"
    header, *rows = source.read_text(encoding="ascii").splitlines()
    table = np.array([row.split(",") for row in rows], dtype=np.float64)
    return tuple(header.split(",")[:-1]), table
