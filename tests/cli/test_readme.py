"""What the README shows must be true as it stands."""

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_first_example_runs_as_it_stands():
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL).group(1)
    namespace = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, str(README), "exec"), namespace)
    assert set(range(5)) <= set(namespace["sol"].x.nonzero()[0])
    assert namespace["sol"].certificate.status == "converged"
    assert namespace["result"].status == "converged"
    # The derivative that the reader sees against a difference of two solutions.
    fp, problem, step = namespace["fp"], namespace["problem"], 1e-6
    up, down = (fp.solve(problem.replace(alpha=0.2 + s)).x for s in (step, -step))
    difference = (up - down) / (2 * step)
    assert abs(namespace["sol"].jacobian["alpha"] - difference).max() < 1e-5
    assert len(printed.getvalue().splitlines()) >= 5


def test_both_commands_are_on_the_first_screen():
    first_screen = "\n".join(README.read_text(encoding="utf-8").splitlines()[:15])
    assert 'pip install ".[cli]" && fastpiggy tune' in first_screen
    assert 'pip install -e ".[test]" && pytest' in first_screen
