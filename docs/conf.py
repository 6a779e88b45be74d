"""Configuration of the documentation: ``python -m sphinx -W -n docs docs/_build/html``."""

from pathlib import Path

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
exclude_patterns = ["_build"]
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
        if (Path(__file__).parent / "benchmarks" / f"{name}.md").exists():
            lines = [f".. include:: /benchmarks/{name}.md", "   :parser: myst_parser.sphinx_"]
        else:
            command = " ".join(self.content)
            lines = [f"Not measured for this version of the pages. ``{command}`` writes the table."]
        at = self.state_machine.abs_line_offset()
        self.state.nested_parse(StringList(lines, source=str(Path(__file__))), at, node := _box())
        return node.children


def _box():
    from docutils.nodes import container

    return container()


def setup(app):
    app.add_directive("measured", Measured)
