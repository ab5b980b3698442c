"""Settings of the web book. `make site` writes the pages' sources and runs Sphinx from the root folder."""

import importlib.util
import os
from pathlib import Path

DOCS = Path(__file__).parent

project = "Anomaly detection with autoencoders"
author = "The aecourse developers"
copyright = "the aecourse developers. Lessons CC BY 4.0, code BSD 3-Clause"
language = "en"
suppress_warnings = ["misc.highlighting_failure"]  # an ellipsis in code that stands for more
smartquotes = False  # "--roster" is an option, not a dash

extensions = [
    "tools.book.extension",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
]

# --- Lessons: stored outputs are shown, nothing is executed -------------------------------------

nb_execution_mode = "off"
nb_ipywidgets_js = {}  # the widgets' scripts would come from other hosts
nb_code_prompt_show = "Show a solution"
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
# `myst_nb` has its own reader for Markdown without cells.
source_suffix = {".rst": "restructuredtext", ".ipynb": "myst-nb", ".md": "myst-nb"}

# --- Reference: from the docstrings --------------------------------------------------------------

toc_object_entries_show_parents = "hide"
default_role = "py:obj"  # a name in single quotes is a link, if the reference has it
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
strip_signature_backslash = True  # or the last character of "threshold_" would be lost

bibtex_bibfiles = [str(DOCS / "references.bib")]
bibtex_default_style = "alpha"
bibtex_cite_id = "cite-{key}"

# --- Looks ---------------------------------------------------------------------------------------

html_theme = "sphinx_book_theme"
html_baseurl = os.environ.get("AECOURSE_BOOK", "")  # where the book is published, for previews with pictures
html_title = "Anomaly detection with autoencoders"
# MathJax comes from a package, whose name Python cannot write, and is served by the book.
MATHJAX = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static"
html_static_path = [str(DOCS / "_static"), str(MATHJAX)]
mathjax_path = "mathjax/tex-chtml.js"
exclude_patterns = ["downloads"]
html_css_files = ["custom.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("custom.js", "selfcheck.js", "search.js")]
html_favicon = str(DOCS / "_static" / "favicon.svg")
html_context = {"default_mode": "auto"}
html_domain_indices = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "search_bar_text": "Search the course",
    "toc_title": "On this page",
    "extra_footer": "",
}
