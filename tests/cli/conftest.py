"""A made-up search result, for what is printed, saved and drawn."""

from enum import StrEnum
from types import SimpleNamespace

import numpy as np
import pytest

from fastpiggy.cli.scaling import Scaling
from fastpiggy.cli.table import Table


class Word(StrEnum):
    CONVERGED = "converged"
    KINK = "at_kink"


def parabola(alpha):
    """Give value and slope of a loss that is smooth in log alpha, smallest at alpha = 0.1."""
    u = np.log(alpha / 0.1)
    return 5 + u**2, 2 * u / alpha


def evaluation(alpha):
    value, slope = parabola(alpha)
    return SimpleNamespace(
        params={"alpha": alpha},
        value=value,
        gradient={"alpha": np.float64(slope)},
        seconds=0.01,
        solves=5,
    )


@pytest.fixture
def certificate():
    return SimpleNamespace(
        status=Word.CONVERGED,
        optimality=3e-11,
        tolerance=1e-9,
        tangent_residual=1e-12,
        tangent_error=4e-11,
        certified=True,
        rate=0.9,
        kinks=np.array([], dtype=int),
        margin=(0.01, 0.02),
        message="",
    )


@pytest.fixture
def result(certificate):
    return SimpleNamespace(
        params={"alpha": 0.1},
        value=5.0,
        gradient={"alpha": np.float64(0.0)},
        solution=SimpleNamespace(
            x=np.array([0.0, -2.0, 0.5]), intercept=1.5, certificate=certificate
        ),
        history=tuple(evaluation(alpha) for alpha in (1.0, 0.3, 0.03, 0.1)),
        status="converged",
        message="the slope is 0",
        n_minima=1,
        solves=20,
        way="4 evaluations, 20 solves",
        seconds=0.05,
    )


@pytest.fixture
def table():
    return Table(np.eye(4, 3), np.arange(4.0), ("age", "[b]mi", "s[1]"), "file.csv", ("a note",))


@pytest.fixture
def scaling():
    return Scaling(np.array([1.0, 2, 3]), np.array([1.0, 4, 2]), "standardised")
