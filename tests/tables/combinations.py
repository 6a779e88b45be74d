"""Which algorithm takes which parts, and what is compiled of that in the tests."""

from itertools import product

import naive

from fastpiggy.compile.flags import COMPILED
from tables.designs import DESIGNS
from tables.losses import LOSSES
from tables.penalties import PENALTIES

COORDINATES = ["L1", "NonnegativeL1", "ElasticNet", "NonnegativeElasticNet"]
COORDINATES += ["SquaredL2", "Box", "MCP", "SCAD"]
ALGORITHMS = {
    # The iterates are held against those of naive, which has these.
    "ForwardBackward": (DESIGNS, [name for name in PENALTIES if name in naive.PENALTIES]),
    "CoordinateDescent": (
        [name for name in DESIGNS if "rows" not in name],
        COORDINATES,
    ),
    "BlockDescent": (
        [name for name in DESIGNS if "rows" not in name],
        ["GroupL2", *COORDINATES],
    ),
}

#: Each part with several others, and whether X and the loss move: what is compiled, and what is
#: run to the end.
SAMPLE = [
    ("ForwardBackward", "rows", "LeastSquares", "L1", True),
    ("ForwardBackward", "rows32", "Logistic", "ElasticNet", False),
    ("ForwardBackward", "centred rows", "Huber", "GroupL2", True),
    ("ForwardBackward", "dense", "LeastSquares", "TotalVariation", True),
    ("ForwardBackward", "centred dense", "Logistic", "MCP", True),
    ("ForwardBackward", "dense32", "LeastSquares", "Simplex", False),
    ("ForwardBackward", "sparse", "Huber", "NonnegativeL1", True),
    ("ForwardBackward", "rows", "SquaredHinge", "SCAD", True),
    ("ForwardBackward", "centred sparse", "LeastSquares", "SquaredL2", True),
    ("CoordinateDescent", "dense", "LeastSquares", "L1", True),
    ("CoordinateDescent", "dense", "LeastSquares", "L1", False),
    ("CoordinateDescent", "centred dense", "Logistic", "ElasticNet", True),
    ("CoordinateDescent", "centred dense", "LeastSquares", "MCP", False),
    ("CoordinateDescent", "centred dense", "SquaredHinge", "L1", True),
    ("CoordinateDescent", "dense", "LeastSquares", "SCAD", True),
    ("CoordinateDescent", "sparse", "Huber", "Box", True),
    ("CoordinateDescent", "centred sparse", "LeastSquares", "NonnegativeL1", False),
    ("CoordinateDescent", "centred dense", "LeastSquares", "NonnegativeElasticNet", True),
    ("CoordinateDescent", "sparse32", "Logistic", "SquaredL2", False),
    ("BlockDescent", "dense", "LeastSquares", "GroupL2", True),
    ("BlockDescent", "centred dense", "Huber", "GroupL2", True),
    ("BlockDescent", "sparse", "Logistic", "GroupL2", False),
    ("BlockDescent", "dense", "SquaredHinge", "SCAD", False),
    ("BlockDescent", "centred sparse32", "LeastSquares", "Box", False),
]


def every_combination() -> list[tuple[str, str, str, str, bool]]:
    """All of them in plain Python, where nothing need compile; else the sample."""
    if COMPILED:
        return SAMPLE
    return [
        (algorithm, *rest)
        for algorithm, (designs, penalties) in ALGORITHMS.items()
        for rest in product(designs, LOSSES, penalties, [True, False])
    ]


def label(combination: tuple) -> str:
    """The name of a test for a combination."""
    *names, moves = combination
    return "-".join(names) + ("" if moves else "-held")
