"""Each iteration and its tangent in plain NumPy, written from the papers.

Nothing here imports the package, and the package imports nothing here: these are the numbers that
it is held against.  Parameters are dicts by name (``p``), directions of them dicts of arrays with
a leading axis of m (``d``), tangents are rows.  The formulas take other routes than the package
where there is one: Moreau's identity for the norms, bisection for the simplex, the dual box
problem and the projector of the generalised lasso for total variation.
"""

from naive.iterations import (
    backward,
    descent,
    fixed_point,
    forward_backward,
    gradient,
    implicit,
    inertial,
)
from naive.losses import LOSSES
from naive.penalties import PENALTIES, prox_by_bisection

__all__ = [
    "LOSSES",
    "PENALTIES",
    "backward",
    "descent",
    "fixed_point",
    "forward_backward",
    "gradient",
    "implicit",
    "inertial",
    "prox_by_bisection",
]
