"""Growth of the tangents, read off their increments."""

import numpy as np
import pytest

from fastpiggy.solving.growth import growth
from fastpiggy.solving.running import Trace

K = np.arange(1.0, 2001.0)


def read(change, size=None):
    return growth(change, np.cumsum(change) if size is None else size)


def test_geometric_also_where_it_oscillates():
    change = 1.03 ** K[:400] * (1.1 + np.sin(2.0 * K[:400]))
    found = read(change)
    assert found.kind == "geometric" and found.factor == pytest.approx(1.03, rel=2e-3)
    assert "factor 1.0" in str(found)
    slow = read(1.0001**K)
    assert slow.kind == "geometric" and slow.factor == pytest.approx(1.0001, rel=1e-9)


def test_linear_once_what_shrinks_has_died():
    found = read(0.3 + 0.98**K)
    assert (found.kind, found.factor) == ("linear", 1.0)
    assert found.slope == pytest.approx(0.3, rel=1e-6) and "0.3 a step" in str(found)


def test_powers_of_the_number_of_steps():
    for power in (1.0, 2.0, 3.0):
        assert read(K**power).kind == "power"
    assert "power of the number of steps" in str(read(K))


def test_increments_that_turn_around_do_not_grow():
    found = read(np.full(400, 2.0), size=np.full(400, 1.0))
    assert found.kind == "bounded" and "does not settle" in str(found)


@pytest.mark.parametrize(
    "change",
    [
        0.9 ** K[:300],
        (1 - 1e-6) ** K,  # slow, and it does shrink
        1.0 / K,
        0.9 ** K[:200] * K[:200] ** 5,  # a hump at first
        np.maximum(0.9 ** K[:400], 1e-17),  # a plateau of rounding
        np.append(0.9 ** K[:1180], 0.9 ** K[:20]),  # the active set settles at the very end
        np.append(np.full(150, 1e-3), np.full(250, 1e-3 + 1e-4 * (K[:250] > 245))),
        np.zeros(400),
        1.03 ** K[:99],  # too short to say
        np.append(1.03 ** K[:200], np.nan),
        np.append(np.ones(200), np.inf),
    ],
)
def test_no_growth(change):
    assert read(change) is None


def test_none_at_all():
    assert growth(np.zeros(0), np.zeros(0)) is None


def trace(change, residual):
    size = np.cumsum(change)
    return Trace(change, change, size, residual, np.ones(change.size, dtype=int))


def test_only_steps_with_x_at_rest_count():
    residual = np.maximum(0.95 ** K[:600], 1e-15)
    assert trace(np.full(600, 0.1), residual).growth.kind == "linear"
    # On the way the tangent may well grow.
    assert trace(1.03 ** K[:600], np.append(np.ones(590), np.full(10, 1e-12))).growth is None
    assert trace(1.03 ** K[:600], np.zeros(600)).growth.kind == "geometric"
    assert Trace.of([]).growth is None
