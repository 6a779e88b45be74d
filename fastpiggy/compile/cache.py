"""The disk cache.

It rests on private parts of Numba, as ``pipeline.py``, ``lowering.py``, ``operators.py`` and
``kernel.kind`` do; CI runs the oldest and the newest release of the range below.

Four things differ from Numba's own cache.  The key holds a digest of the package's sources, so that
an edited callee is never run stale.  What is loaded must have the signature that was asked for: two
processes that start cold can leave one's index on the other's file.  A damaged file is forgotten
and compiled anew.  Where no folder can be written, kernels compile without a cache and say so once.
``FASTPIGGY_CACHE=0`` switches it off; ``NUMBA_CACHE_DIR`` moves it.
"""

import os
import re
import warnings
from typing import Any

import numba

from fastpiggy.compile.digest import package_digest

#: Oldest and first unsupported Numba whose private parts were tried; CI runs both ends.
TESTED = ((0, 61), (0, 69))

try:
    from numba.core.caching import FunctionCache
    from numba.core.runtime import rtsys
except ImportError:  # pragma: no cover - a Numba outside the tested range
    FunctionCache = None

_told = False


def cache_state() -> str:
    """Say in words whether kernels are cached, and where.

    Examples
    --------
    >>> from fastpiggy.compile.cache import cache_state
    >>> isinstance(cache_state(), str)
    True
    """
    reason = _reason_against()
    if reason:
        return f"off: {reason}"
    from fastpiggy.algorithms.engine import run

    cache = getattr(run, "_cache", None)
    path = getattr(cache, "cache_path", None)
    return str(path) if path else "off: NUMBA_DISABLE_JIT, or no folder can be written"


def attach_cache(dispatcher: Any) -> None:
    """Give a dispatcher the disk cache, or leave it without one where there is none to have."""
    reason = _reason_against()
    if reason is None:
        try:
            dispatcher._cache = KernelCache(dispatcher.py_func)
            return
        except (RuntimeError, OSError) as error:
            reason = f"no folder for it can be written ({error})"
    if os.environ.get("FASTPIGGY_CACHE") != "0":
        _tell(reason)


def _reason_against() -> str | None:
    if os.environ.get("FASTPIGGY_CACHE") == "0":
        return "FASTPIGGY_CACHE=0"
    version = tuple(int(part) for part in re.findall(r"\d+", numba.__version__)[:2])
    if FunctionCache is None or not TESTED[0] <= version < TESTED[1]:
        low, high = (".".join(map(str, bound)) for bound in TESTED)
        return f"numba {numba.__version__} is outside the tested range {low} <= version < {high}"
    return None


def _tell(reason: str) -> None:
    global _told
    if not _told:
        _told = True
        warnings.warn(
            f"fastpiggy compiles its kernels anew in this process, without a disk cache: {reason}. "
            "Set NUMBA_CACHE_DIR to a folder that can be written, or FASTPIGGY_CACHE=0 to silence "
            "this.",
            RuntimeWarning,
            stacklevel=2,
        )


if FunctionCache is not None:

    class KernelCache(FunctionCache):
        """Numba's function cache, keyed by the package's sources, trusting nothing it reads."""

        def _index_key(self, sig: Any, codegen: Any) -> tuple:
            return (*super()._index_key(sig, codegen), package_digest())

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            # Numba would read all its registries first, for a third of a second: compiled code asks
            # them nothing.
            rtsys.initialize(target_context)
            try:
                with self._guard_against_spurious_io_errors():
                    found = self._load_overload(sig, target_context)
            except Exception:  # whatever a damaged file raises, the cure is the same
                self._mend()
                return None
            wanted = tuple(getattr(sig, "args", sig))
            if found is not None and tuple(found.signature.args) != wanted:
                return None
            return found

        def save_overload(self, sig: Any, data: Any) -> None:
            try:
                super().save_overload(sig, data)
            except Exception as error:
                self.disable()
                _tell(f"writing to it failed ({error})")

        def _mend(self) -> None:
            try:
                # Where the index can be read only this one code is of no use, as after a user's
                # module has moved: it will be overwritten, and the others stay.
                self._cache_file._load_index()
                return
            except Exception:
                pass
            try:
                self.flush()
            except OSError as error:
                self.disable()
                _tell(f"it can be neither read nor mended ({error})")
