"""Configuration of the documentation: ``python -m sphinx -W -n docs docs/_build/html``."""

import os
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

import fastpiggy

project = "fastpiggy"
copyright = "fastpiggy developers"
release = version = fastpiggy.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",  # the tables of the benchmarks are written in Markdown
]
exclude_patterns = ["_build", "benchmarks/*"]  # the tables are included where they belong
suppress_warnings = ["myst.header"]  # the changelog's title is the page's own
default_role = "literal"
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "fastpiggy"
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}

autodoc_member_order = "bysource"
# Types stand in the Parameters sections, in words.
autodoc_typehints = "none"
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# No inventory is fetched from the net, so that the build is the same everywhere.
nitpick_ignore_regex = [("py:.*", r"(numpy|scipy|matplotlib|sklearn|typing)\..*")]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {
    "figure.figsize": (6.4, 3.4),
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.hashsalt": "fastpiggy",
}
plot_apply_rcparams = True


class Measured(Directive):
    """Include a table that a benchmark wrote, or say which command writes it.

    ``.. measured:: composition``, with the command as the content.
    """

    required_arguments = 1
    has_content = True

    def run(self):
        name = self.arguments[0]
        path = Path(__file__).parent / "benchmarks" / f"{name}.md"
        # The page is read anew when the table changes, or while there is none.
        self.state.document.settings.env.note_dependency(path)
        if path.exists():
            lines = [f".. include:: /benchmarks/{name}.md", "   :parser: myst_parser.sphinx_"]
        else:
            command = " ".join(self.content)
            lines = [f"Not measured for this version of the pages. ``{command}`` writes the table."]
        found = nodes.container()
        self.state.nested_parse(StringList(lines, source=__file__), self.content_offset, found)
        return found.children


class Command(Directive):
    """Run the command ``fastpiggy`` and show what it prints: ``.. fastpiggy:: tune --help``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        command = [sys.executable, "-m", "fastpiggy.cli", *self.arguments[0].split()]
        wide = {**os.environ, "COLUMNS": "96", "NO_COLOR": "1", "PYTHON_COLORS": "0"}
        done = subprocess.run(command, capture_output=True, text=True, env=wide)
        if done.returncode:
            raise self.error(f"{' '.join(command)} failed:\n{done.stderr}")
        lines = [f"$ fastpiggy {self.arguments[0]}", *map(str.rstrip, done.stdout.splitlines())]
        return [nodes.literal_block(text="\n".join(lines), language="text")]


def setup(app):
    app.add_directive("measured", Measured)
    app.add_directive("fastpiggy", Command)
    return {"parallel_read_safe": True}
