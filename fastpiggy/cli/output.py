"""Write the files that were asked for: checked before the work, and never half a file."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastpiggy.cli.errors import CommandError


def check_outputs(json_path: Path | None, plot_path: Path | None) -> None:
    """Refuse, before any work, places where nothing can be written.

    Parameters
    ----------
    json_path, plot_path : Path or None
        The files that were asked for.
    """
    for option, path in (("--json", json_path), ("--plot", plot_path)):
        if path is None:
            continue
        if path.is_dir():
            raise CommandError(f"{option} {path}: is a folder, not a file")
        if not path.parent.is_dir():
            raise CommandError(f"{option} {path}: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise CommandError(f"{option} {path}: the folder cannot be written")
    if plot_path is not None:
        _check_plot(plot_path)


def _check_plot(path: Path) -> None:
    if find_spec("matplotlib") is None:
        raise CommandError('--plot needs matplotlib: pip install "fastpiggy[plot]"')
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in known:
        raise CommandError(f"--plot {path}: the name should end in one of .{', .'.join(known)}")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a dictionary as JSON; numbers that JSON does not have become null."""
    text = json.dumps(plain(content), indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda place: place.write_text(text, encoding="utf-8"))


def plain(value: Any) -> Any:
    """Turn arrays, NumPy scalars, enums and tuples into what JSON knows."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str(getattr(value, "value", value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in its place in one step.

    Parameters
    ----------
    path : Path
        Where the file is to be; what is there stays as it is if anything fails.
    write : callable
        Gets the path to write to, which has the same ending.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        os.close(handle)
        place = Path(name)
        try:
            write(place)
            place.chmod(0o666 & ~_umask())
            place.replace(path)
        finally:
            place.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror or error}") from error


def _umask() -> int:
    # It can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
