"""The matrix X in its storages, and the passes over it."""

from fastpiggy.designs.by_column import Dense, Sparse
from fastpiggy.designs.direction import Fixed, Moving
from fastpiggy.designs.intercept import Intercept, InterceptColumns
from fastpiggy.designs.protocol import Columns, Design, Direction
from fastpiggy.designs.rows import Rows

__all__ = [
    "Columns",
    "Dense",
    "Design",
    "Direction",
    "Fixed",
    "Intercept",
    "InterceptColumns",
    "Moving",
    "Rows",
    "Sparse",
]
