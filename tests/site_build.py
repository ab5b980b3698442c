"""The web book for the tests: built once, by whichever test needs it first."""

import importlib.util
import pathlib

ROOT = pathlib.Path(__file__).parents[1]


def tool():
    """Return tools/site.py as a module. (Its name is that of a module of Python's own.)"""
    spec = importlib.util.spec_from_file_location("aecourse_site", ROOT / "tools" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built_site():
    """Return the folder of the book, which is built first if anything has changed."""
    return tool().build()
