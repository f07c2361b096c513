"""How the site is built: `sphinx-build -W -b html docs docs/_build`."""

import importlib.metadata

project = "Suitably"
author = "Suitably maintainers"
copyright = author
release = importlib.metadata.version("suitably")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Suitably {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings are Google style with Markdown's single backticks for code.
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Source", ("Fields", "params_style")]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
