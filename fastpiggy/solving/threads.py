"""Calls on threads, in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def at_once(function: Callable[..., Any], arguments: list[list[Any]], threads: int) -> list[Any]:
    """``list(map(function, *arguments))`` on so many threads."""
    if threads == 1 or len(arguments[0]) == 1:
        return list(map(function, *arguments))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, *arguments))
