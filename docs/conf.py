"""How the site is built: `sphinx-build -W -b html docs docs/_build`."""

import importlib
import importlib.metadata
import sys
import tempfile
from pathlib import Path

import jupytext
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.autosummary import Autosummary

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from executed import run_cells  # noqa: E402

project = "Suitably"
author = "Suitably maintainers"
copyright = author
release = importlib.metadata.version("suitably")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Suitably {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings are Google style with Markdown's single backticks for code.
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Source", ("Fields", "params_style")]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
autosummary_generate = False
# Learned attributes end in an underscore, which napoleon then escapes and Sphinx takes back.
strip_signature_backslash = True


class Members(Autosummary):
    """A table of what a module offers, read from its `__all__`: `.. members:: suitably.data`."""

    required_arguments = 1
    has_content = False

    def run(self):
        """Return the table that `autosummary` makes of the names."""
        module = self.arguments[0]
        names = [f"~{module}.{name}" for name in importlib.import_module(module).__all__]
        self.options["nosignatures"] = True
        self.content = StringList(names, source=module)
        return super().run()


def show_notebooks(app: Sphinx) -> None:
    """Run the notebooks of the examples and write each as a page with what it printed."""
    pages = HERE / "notebooks"
    pages.mkdir(exist_ok=True)
    for path in sorted((HERE.parent / "examples" / "notebooks").glob("*.py")):
        notebook = jupytext.read(path)
        jupytext.write(notebook, pages / f"{path.stem}.ipynb")
        parts = []
        with tempfile.TemporaryDirectory() as folder:
            for cell, printed, shown in run_cells(notebook.cells, Path(folder)):
                if cell.cell_type == "markdown":
                    parts.append(cell.source)
                    continue
                parts.append(f"```python\n{cell.source}\n```")
                if printed:
                    parts.append(f"```output\n{printed.rstrip()}\n```")
                if shown is not None:
                    parts.append(_shown(shown))
        download = f"{{download}}`{path.stem}.ipynb`"
        parts.insert(
            1, f"*This page is a notebook that was run when the site was built: {download}.*"
        )
        (pages / f"{path.stem}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _shown(value: object) -> str:
    html = getattr(value, "_repr_html_", None)
    if html is None:
        return f"```output\n{value!r}\n```"
    table = html().replace('border="1" class="dataframe"', 'class="docutils dataframe"')
    return f"```{{raw}} html\n<div class='table-wrapper'>{table}</div>\n```"


def setup(app: Sphinx) -> None:
    """Add what is above to Sphinx."""
    app.add_directive("members", Members)
    app.connect("builder-inited", show_notebooks)
