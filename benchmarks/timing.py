"""Interleaved timing: what is compared runs in turn, so that a slow minute hits all sides alike."""

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

#: A sample shorter than this, in seconds, is mostly the clock and the scheduler.
SAMPLE = 0.02


def interleaved(
    calls: Mapping[str, Callable[[], Any]], rounds: int, sample: float = SAMPLE
) -> dict[str, list[float]]:
    """Seconds a call, one entry a round; every round calls each of them, in a turning order.

    Short calls are repeated within a round until a sample lasts `sample` seconds.  Everything is
    called once before the clock starts, so that compilers and caches are warm.
    """
    names = list(calls)
    number = {}
    for name in names:
        calls[name]()
        begin = time.perf_counter()
        calls[name]()
        number[name] = max(1, int(sample / max(time.perf_counter() - begin, 1e-7)))
    seconds: dict[str, list[float]] = {name: [] for name in names}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            at = turn % len(names)
            for name in names[at:] + names[:at]:
                call = calls[name]
                begin = time.perf_counter()
                for _ in range(number[name]):
                    call()
                seconds[name].append((time.perf_counter() - begin) / number[name])
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return seconds


def ratio(above: list[float], below: list[float]) -> float:
    """Median over rounds of the ratio within a round, which a drifting machine leaves alone."""
    return median(a / b for a, b in zip(above, below, strict=True))
