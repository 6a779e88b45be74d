"""The pages' examples run, and their derivatives equal central differences."""

import doctest
import runpy
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


PAGES = sorted(path for path in DOCS.rglob("*.rst") if ">>> " in path.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_of_the_page(page):
    found = doctest.testfile(
        str(page),
        module_relative=False,
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.parametrize("name", ["use_penalties", "use_loss"])
def test_own_blocks(name, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(DOCS / "extend"), *sys.path])
    errors = runpy.run_path(str(DOCS / "extend" / f"{name}.py"))["errors"]
    assert errors and max(errors.values()) < 1e-6


def test_own_algorithm(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(DOCS / "extend"), *sys.path])
    found = runpy.run_path(str(DOCS / "extend" / "use_inertial.py"))
    assert found["error"] < 1e-6 and found["iterations"] < found["plain"]
