"""The disk cache: found by the next process, never trusted, never needed."""

import shutil
import warnings

import numba
import numpy as np
import pytest

from fastpiggy.algorithms.composite import penalty_value
from fastpiggy.compile import cache, kernel
from fastpiggy.penalties import L1

pytestmark = pytest.mark.compiled

L1_AT_X = "tell(penalty_value(L1(2.0, np.ones(2)), x))"


def test_the_next_process_compiles_nothing(processes):
    cold = processes.run(L1_AT_X)
    assert (cold.values, cold.hits, cold.misses) == ([6.0], 0, 1)
    assert not cold.errors
    warm = processes.run(L1_AT_X)
    assert (warm.values, warm.hits, warm.misses) == ([6.0], 1, 0)
    # Neither what a number is called nor who may write an array makes a difference.
    same = """
    w = np.ones(2)
    w.setflags(write=False)
    found = [penalty_value(L1(alpha, w), x) for alpha in (2, 2.0, np.float64(2), np.float32(2))]
    tell(*found)
    """
    warm = processes.run("\n".join(line.strip() for line in same.splitlines()))
    assert warm.values == [6.0] * 4
    assert warm.misses == 0


def test_four_processes_that_start_cold_at_once(processes):
    code = "from fastpiggy.penalties import Box, SquaredL2\n"
    several = {
        "L1": ("L1(2.0, np.ones(2))", 6.0),
        "SquaredL2": ("SquaredL2(2.0)", 5.0),
        "Box": ("Box(np.zeros(2), np.ones(2))", float("inf")),
    }
    # Three penalties and one of them twice: they write the same index at the same time.
    started = [
        (processes.start(f"{code}tell(penalty_value({made}, x))"), wanted)
        for made, wanted in [*several.values(), several["L1"]]
    ]
    for process, wanted in started:
        found = processes.finish(process)
        assert found.values == [wanted]
        assert not found.errors
    again = processes.run(f"{code}tell(*(penalty_value(g, x) for g in "
                          f"({', '.join(made for made, _ in several.values())})))")  # fmt: skip
    assert again.values == [wanted for _, wanted in several.values()]


def test_a_file_that_belongs_to_another_signature_is_not_run(processes):
    """What two cold processes can leave behind, one's index beside the other's code."""
    other = "from fastpiggy.penalties import SquaredL2\ntell(penalty_value(SquaredL2(2.0), x))"
    first, second = (
        type(processes)(_folder(processes, "a")),
        type(processes)(_folder(processes, "b")),
    )
    first.run(L1_AT_X)
    second.run(other)
    (mine,), (theirs,) = first.files("*.nbc"), second.files("*.nbc")
    shutil.copy(theirs, mine)
    found = first.run(L1_AT_X)
    assert (found.values, found.misses) == ([6.0], 1)
    assert first.run(L1_AT_X).hits == 1


def _folder(processes, name):
    folder = processes.modules / name
    folder.mkdir()
    return folder


def test_damaged_files_are_replaced(processes):
    processes.run(L1_AT_X)
    for suffix in ("nbi", "nbc"):
        # Each run but the first finds what the one before has mended.
        for damage in (lambda content: content[: len(content) // 2], lambda _: b"\x80\x05noise",
                       lambda _: b""):  # fmt: skip
            (path,) = processes.files(f"*penalty_value*.{suffix}")
            path.write_bytes(damage(path.read_bytes()))
            found = processes.run(L1_AT_X)
            assert (found.values, found.misses) == ([6.0], 1)
            assert not found.errors
    assert processes.run(L1_AT_X).hits == 1


def test_nowhere_to_write(processes, tmp_path):
    """Files stand where every folder would have to be, so that not even root can make one."""
    package = tmp_path / "installed"
    shutil.copytree(
        processes.package / "fastpiggy", package / "fastpiggy",
        ignore=shutil.ignore_patterns("__pycache__"),
    )  # fmt: skip
    for folder in [package / "fastpiggy", *(package / "fastpiggy").iterdir()]:
        if folder.is_dir():
            (folder / "__pycache__").write_text("")
    (tmp_path / "file").write_text("")
    processes.package = package
    nowhere = str(tmp_path / "file" / "below")
    changes = {"NUMBA_CACHE_DIR": nowhere, "HOME": nowhere, "XDG_CACHE_HOME": nowhere}
    found = processes.run(L1_AT_X, **changes)
    assert found.values == [6.0]
    assert found.errors.count("without a disk cache") == 1
    assert "NUMBA_CACHE_DIR" in found.errors
    assert not processes.run(L1_AT_X, **changes, FASTPIGGY_CACHE="0").errors


def test_a_folder_that_cannot_be_written_any_more(processes):
    found = processes.run("""
import shutil, os
from fastpiggy.compile import kernel
folder = penalty_value.stats.cache_path
shutil.rmtree(folder)
open(folder, "w").close()
first = penalty_value(L1(2.0, np.ones(2)), x)
tell(first, penalty_value(L1(2.0, np.ones(2, dtype=np.float32)), x))
""")
    assert found.values == [6.0, 6.0]
    assert found.errors.count("without a disk cache") == 1
    assert "neither read nor mended" in found.errors


def test_a_file_that_cannot_be_written(processes):
    """The folder is there, the index cannot be replaced: a folder stands in its place."""
    processes.run(L1_AT_X)
    (index,) = processes.files("*.nbi")
    index.unlink()
    found = processes.run(f"""
import os
os.makedirs({str(index)!r} + "/full")
first = penalty_value(L1(2.0, np.ones(2)), x)
tell(first)
""")
    assert found.values == [6.0]
    assert found.errors.count("without a disk cache") == 1


def test_switched_off(processes):
    found = processes.run(L1_AT_X, FASTPIGGY_CACHE="0")
    assert (found.values, found.hits) == ([6.0], 0)
    assert not found.errors
    assert not processes.files("*.nb?")


@pytest.mark.parametrize("version", ["0.60.1", "0.69.0", "1.0.0rc1", "0+unknown"])
def test_a_numba_that_was_not_tried(monkeypatch, version):
    """Kernels compile all the same, without a cache; said once."""
    monkeypatch.setattr(numba, "__version__", version)
    monkeypatch.setattr(cache, "_told", False)
    monkeypatch.delenv("FASTPIGGY_CACHE", raising=False)

    def value(penalty, x):
        return penalty.value_all(x)

    with pytest.warns(
        RuntimeWarning, match=f"numba {version.replace('+', '.')} is outside"
    ) as told:
        first = kernel(value)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = kernel(value)
    penalty = L1(2.0, np.ones(2))
    assert first(penalty, np.ones(2)) == second(penalty, np.ones(2)) == 4.0
    assert not first.stats.cache_path
    assert cache.cache_state().startswith(f"off: numba {version} is outside the tested range")


def test_private_parts_that_are_gone(monkeypatch):
    monkeypatch.setattr(cache, "FunctionCache", None)
    monkeypatch.setattr(cache, "_told", False)
    monkeypatch.delenv("FASTPIGGY_CACHE", raising=False)
    with pytest.warns(RuntimeWarning, match="without a disk cache"):
        compiled = kernel(lambda x: x + 1)
    assert compiled(1) == 2


def test_state_in_words(monkeypatch):
    monkeypatch.delenv("FASTPIGGY_CACHE", raising=False)
    assert str(penalty_value.stats.cache_path).rpartition("_")[0] in cache.cache_state()
    monkeypatch.setenv("FASTPIGGY_CACHE", "0")
    assert cache.cache_state() == "off: FASTPIGGY_CACHE=0"
