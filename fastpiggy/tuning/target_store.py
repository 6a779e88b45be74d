"""Finished blocks of targets in a folder: whole files only, and those of one problem only."""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from fastpiggy.tuning.target_blocks import NUMBERS, Block, Plan, add_array

_MANIFEST, _FORMAT = "manifest.json", 1


class Store:
    """A folder with a manifest and one file a block.

    Parameters
    ----------
    folder : Path
    size : int
        Targets in a block.
    shape : tuple of int
        Targets, and columns of X.
    """

    def __init__(self, folder: Path, size: int, shape: tuple[int, int]) -> None:
        self.folder, self.size, self.shape = folder, size, shape

    @classmethod
    def open(cls, folder: str | Path, plan: Plan, Y: np.ndarray, size: int) -> "Store":
        """The store in a folder, which is made where there is none.

        Raises
        ------
        ValueError
            If the folder holds something else, or blocks of another problem, other data or other
            arguments.
        """
        folder, shape = Path(folder), (Y.shape[1], plan.problem.shape[1])
        wanted = {
            "format": _FORMAT, "problem": plan.digest, "targets": _digest(Y),
            "count": shape[0], "columns": shape[1], "numbers": list(NUMBERS),
        }  # fmt: skip
        place = folder / _MANIFEST
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"store must be a folder, and {folder} is a file")
        if not place.exists():
            if folder.exists() and any(not f.name.startswith(".") for f in folder.iterdir()):
                raise ValueError(
                    f"store must be a new or an empty folder, or one of an earlier call: {folder} "
                    f"holds other files and no {_MANIFEST}"
                )
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps({**wanted, "block": size}, indent=2) + "\n"
            _write(place, lambda stream: stream.write(text.encode()))
            return cls(folder, size, shape)
        try:
            found = json.loads(place.read_text(encoding="utf-8"))
            size = int(found["block"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{place} cannot be read ({error}); take another store=") from None
        other = [key for key, value in wanted.items() if found.get(key) != value]
        if other:
            told = {
                "problem": "another X, penalty, sample weights, cv, bounds or tol",
                "targets": "another Y", "format": "another version of fastpiggy",
            }  # fmt: skip
            why = ", ".join(dict.fromkeys(told.get(key, f"another {key}") for key in other))
            raise ValueError(f"store {folder} belongs to another run: {why}; take another folder")
        return cls(folder, size, shape)

    def _place(self, k: int) -> Path:
        return self.folder / f"block-{k:06d}.npz"

    def write(self, k: int, block: Block) -> None:
        """Keep a block: its file is there whole, or not at all."""
        x = block.coefficients
        arrays = {
            "numbers": block.numbers, "statuses": block.statuses, "data": x.data,
            "indices": x.indices, "indptr": x.indptr,
        }  # fmt: skip
        _write(self._place(k), lambda stream: np.savez(stream, **arrays))

    def read(self) -> dict[int, Block]:
        """The blocks that are there; a damaged file counts as not there."""
        found = {}
        q = self.shape[0]
        for k in range(-(-q // self.size)):
            count = min(self.size, q - k * self.size)
            block = self._read(k, count) if self._place(k).exists() else None
            if block is not None:
                found[k] = block
        return found

    def _read(self, k: int, count: int) -> Block | None:
        from scipy.sparse import csr_array

        try:
            with np.load(self._place(k), allow_pickle=False) as file:
                parts = file["data"], file["indices"], file["indptr"]
                x = csr_array(parts, shape=(count, self.shape[1]))
                block = Block(file["numbers"], file["statuses"], x)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        whole = block.numbers.shape == (count, len(NUMBERS)) and block.statuses.shape == (count,)
        return block if whole else None


def _digest(Y: np.ndarray) -> str:
    seen = blake2b(digest_size=16)
    add_array(seen, Y)
    return seen.hexdigest()


def _write(place: Path, fill: Callable[[Any], Any]) -> None:
    """A file beside, on the disk, then in its place in one step."""
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=place.suffix)
    try:
        with os.fdopen(handle, "wb") as stream:
            fill(stream)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(place)
    finally:
        Path(name).unlink(missing_ok=True)
