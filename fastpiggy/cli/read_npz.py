"""Read features and target from a ``.npz`` file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.table import Table

# What zipfile and NumPy raise for an archive that is cut off, overwritten or encrypted.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def read_npz(path: Path, target: str, design: str, *, labels: bool = False) -> Table:
    """Read two arrays of a ``.npz`` file.

    Parameters
    ----------
    path : Path
        The file.
    target : str
        Name of the array of shape (n,), or (n, 1).
    design : str
        Name of the array of shape (n, p).
    labels : bool, default=False
        Whether the target may be text.

    Returns
    -------
    Table
        float32 stays float32; other numbers become float64.
    """
    arrays = _load(path, (design, target))
    X, y = arrays[design], arrays[target]
    if X.ndim != 2:
        raise CommandError(f"{path}: {design!r} must have two dimensions, its shape is {X.shape}")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise CommandError(f"{path}: {target!r} must have one dimension, its shape is {y.shape}")
    if not (labels and y.dtype.kind in "US"):
        y = _as_floats(y, path, target)
    elif y.dtype.kind == "S":
        y = np.char.decode(y, "latin-1")
    names = tuple(f"{design}[{j}]" for j in range(X.shape[1]))
    return Table(_as_floats(X, path, design), y, names, str(path))


def read_array(path: Path, name: str) -> Table:
    """Read one array of shape (n, p) of a ``.npz`` file, with zeros as its target."""
    X = _load(path, (name,))[name]
    if X.ndim != 2:
        raise CommandError(f"{path}: {name!r} must have two dimensions, its shape is {X.shape}")
    names = tuple(f"{name}[{j}]" for j in range(X.shape[1]))
    return Table(_as_floats(X, path, name), np.zeros(len(X)), names, str(path))


def _load(path: Path, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        # The stream is ours, so that it is closed also when NumPy gives up half-way.
        with path.open("rb") as stream:
            if stream.read(6) == b"\x93NUMPY":
                raise CommandError(f"{path}: is one array, not a .npz archive")
            stream.seek(0)
            with zipfile.ZipFile(stream):
                stream.seek(0)
            archive = np.load(stream, allow_pickle=False)
            _check_names(path, archive.files, wanted)
            return {name: archive[name] for name in wanted}
    except DAMAGED as error:
        if "allow_pickle" in str(error):
            raise CommandError(
                f"{path}: an array holds Python objects; save it as an array of numbers"
            ) from error
        raise CommandError(
            f"{path}: is not a whole .npz file ({error}); it may have been cut off: write it again"
        ) from error


def _check_names(path: Path, found: list[str], wanted: tuple[str, ...]) -> None:
    missing = [name for name in wanted if name not in found]
    if not missing:
        return
    message = f"{path}: has no array {missing[0]!r}; it has {', '.join(found) or 'none'}"
    if {"indices", "indptr", "shape"} <= set(found):
        raise CommandError(
            f"{message}: that is one sparse matrix without a target; save data of this kind as a "
            "SVMLight file (.svm)"
        )
    raise CommandError(f"{message}; choose with --design NAME (features) and --target NAME")


def _as_floats(array: np.ndarray, path: Path, name: str) -> np.ndarray:
    if array.dtype.kind not in "fiub":
        raise CommandError(f"{path}: {name!r} must hold real numbers, its type is {array.dtype}")
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
