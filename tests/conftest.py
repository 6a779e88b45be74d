"""One profile of hypothesis: the same examples everywhere, none kept, no deadline."""

import pytest
from hypothesis import settings

from fastpiggy.compile.flags import COMPILED

settings.register_profile("fastpiggy", deadline=None, derandomize=True, database=None)
settings.load_profile("fastpiggy")


def pytest_collection_modifyitems(items):
    if not COMPILED:
        skip = pytest.mark.skip(reason="NUMBA_DISABLE_JIT=1: nothing is compiled")
        for item in items:
            if item.get_closest_marker("compiled"):
                item.add_marker(skip)


def pytest_configure(config):
    config.addinivalue_line("markers", "compiled: needs compiled kernels")
