"""What the generic tests run over: a new penalty, loss, design or algorithm is one line here."""

from tables.cases import (
    bound_case,
    iterate_naively,
    make_case,
    naive_case,
    run_case,
    start_state,
    steps_of,
)
from tables.combinations import ALGORITHMS, COORDINATES, SAMPLE, every_combination, label
from tables.designs import DESIGNS, STORAGES, dense, make_design
from tables.losses import LABELLED, LOSSES
from tables.penalties import PENALTIES, PenaltyCase
from tables.records import apply_prox, compiled_prox, directions, moved, zeros

__all__ = [
    "ALGORITHMS",
    "COORDINATES",
    "DESIGNS",
    "LABELLED",
    "LOSSES",
    "PENALTIES",
    "SAMPLE",
    "STORAGES",
    "PenaltyCase",
    "apply_prox",
    "bound_case",
    "compiled_prox",
    "dense",
    "directions",
    "every_combination",
    "iterate_naively",
    "label",
    "make_case",
    "make_design",
    "moved",
    "naive_case",
    "run_case",
    "start_state",
    "steps_of",
    "zeros",
]
