"""The pages' examples run, and their derivatives equal central differences."""

import ast
import doctest
import re
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import fastpiggy as fp

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXTEND = DOCS / "extend"
PAGES = sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def beside(monkeypatch):
    """The files of docs/extend can import each other."""
    monkeypatch.syspath_prepend(str(EXTEND))
    # Written for these tests, in a folder that is no cache.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    for path in EXTEND.glob("*.py"):
        sys.modules.pop(path.stem, None)


def _with_examples():
    return [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", _with_examples(), ids=lambda page: page.stem)
def test_examples_of_a_page(page, beside):
    if page.stem == "torch":
        pytest.importorskip("torch")
    found = doctest.testfile(str(page), module_relative=False, optionflags=OPTIONS)
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.parametrize("name", ["use_penalties", "use_loss"])
def test_own_blocks_in_every_algorithm(name, beside):
    errors = runpy.run_path(str(EXTEND / f"{name}.py"))["errors"]
    assert errors and max(errors.values()) < 1e-6


def test_own_algorithm(beside):
    found = runpy.run_path(str(EXTEND / "use_inertial.py"))
    assert found["error"] < 1e-6
    assert found["iterations"] < found["plain"]


def test_own_map_compiled(beside):
    found = runpy.run_path(str(EXTEND / "chambolle_pock.py"))["ChambollePock"]
    y = np.repeat([0.0, 2.0, 1.0], 10) + 0.1 * np.random.default_rng(0).standard_normal(30)
    sol = fp.piggyback(found(0.5, 0.5), np.zeros(59), {"alpha": 0.5, "y": y}, tol=1e-11)
    exact = fp.solve(fp.trend_filter(y, 0.5, degree=0), wrt=["alpha", "y"])
    assert sol.certificate.status == "converged"
    for name, J in exact.jacobian.items():
        assert np.abs(sol.jacobian[name][:30] - J).max() < 1e-8


@pytest.mark.parametrize("file, most", [("asymmetric", 16), ("ceiling", 15), ("pseudo_huber", 25)])
def test_own_blocks_stay_short(file, most):
    source = (EXTEND / f"{file}.py").read_text(encoding="utf-8")
    (cls,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    lines = source.splitlines()[cls.decorator_list[0].lineno - 1 : cls.end_lineno]
    assert sum(bool(line.strip()) for line in lines) <= most


USE = """
import numpy as np

import fastpiggy as fp

X = np.eye(3)
loss = fp.losses.LeastSquares(np.array([3.0, -2.0, 0.1]), np.full(3, 1 / 3))
sol = fp.solve(fp.Problem(loss, Asymmetric(0.3, 1.0, 2.0), X), wrt=["alpha", "up"])
print(sol.x.tolist(), sol.jacobian["alpha"].tolist(), sol.jacobian["up"].tolist())
"""
#: x_1 = y_1 - 3 alpha up, x_2 = y_2 + 3 alpha down.
EXPECTED = ([2.1, -0.2, 0.0], [-3.0, 6.0, 0.0], [-0.9, 0.0, 0.0])


def _is_expected(sol):
    found = sol.x, sol.jacobian["alpha"], sol.jacobian["up"]
    return all(np.allclose(a, b) for a, b in zip(found, EXPECTED, strict=True))


def test_own_penalty_in_a_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text((EXTEND / "asymmetric.py").read_text(encoding="utf-8") + USE)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = [ast.literal_eval(part) for part in re.findall(r"\[[^]]*\]", done.stdout)]
    assert all(np.allclose(a, b) for a, b in zip(printed, EXPECTED, strict=True))


def test_own_penalty_in_a_notebook_cell_run_edited_and_run_again():
    source = (EXTEND / "asymmetric.py").read_text(encoding="utf-8")
    session = {"__name__": "__main__"}

    def run_cell(count, text):
        exec(compile(text, f"<ipython-input-{count}-0123456789ab>", "exec"), session)

    run_cell(1, source)
    run_cell(2, USE)
    assert _is_expected(session["sol"])
    run_cell(3, source)
    run_cell(4, USE)
    assert _is_expected(session["sol"])
    # Twice as steep upwards: what was compiled before must not be run.
    steeper = source.replace("(self.up if", "(2.0 * self.up if")
    run_cell(5, steeper.replace("(self.up, d.up[k])", "(2.0 * self.up, 2.0 * d.up[k])"))
    run_cell(6, USE)
    assert np.allclose(session["sol"].x, [1.2, -0.2, 0.0])
    assert np.allclose(session["sol"].jacobian["up"], [-1.8, 0.0, 0.0])


def _documented():
    """Every object that an API page describes, by where it is found."""
    objects = []
    for page in sorted((DOCS / "api").glob("*.rst")):
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            if line.startswith(".. currentmodule:: "):
                module = line.split()[-1]
            found = re.match(r"\.\. auto(function|class|exception):: (\S+)", line)
            if found:
                name = found[2] if found[2].startswith("fastpiggy.") else f"{module}.{found[2]}"
                home, _, attribute = name.rpartition(".")
                objects.append((name, getattr(import_module(home), attribute)))
    return objects


def test_each_public_object_is_described_once():
    documented = _documented()
    seen = [id(found) for _, found in documented]
    twice = [name for name, found in documented if seen.count(id(found)) > 1]
    assert not twice
    rooms = ["losses", "penalties", "designs", "compile", "problems", "criteria", "tuning"]
    rooms += ["plots", "datasets"]
    public = {f"fastpiggy.{name}": getattr(fp, name) for name in fp.__all__}
    for room in rooms:
        module = import_module(f"fastpiggy.{room}")
        public |= {f"fastpiggy.{room}.{name}": getattr(module, name) for name in module.__all__}
    described = {name: found for name, found in public.items() if callable(found)}
    assert not [name for name, found in described.items() if id(found) not in seen]


def test_pages_name_every_status():
    for enum, page in ((fp.Status, "certificate"), (fp.SearchStatus, "tuning")):
        text = (DOCS / "concepts" / f"{page}.rst").read_text(encoding="utf-8")
        assert all(f"``{status}``" in text for status in enum)


def test_the_table_of_selections_names_every_penalty():
    text = (DOCS / "concepts" / "selection.rst").read_text(encoding="utf-8")
    found = {name: getattr(fp.penalties, name) for name in fp.penalties.__all__}
    records = [name for name, cls in found.items() if hasattr(cls, "_fields")]
    assert all(f"`~fastpiggy.penalties.{name}`" in text for name in records)
