"""Every public name is documented, and every example in a docstring runs."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import aecourse

MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages(aecourse.__path__, "aecourse.")
    if not any(part.startswith("_") for part in name.split("."))
)
# What a reader imports: each room, and each module that is a room of its own. The grader and the
# command line are the instructor's.
LIBRARY = sorted(
    f"aecourse.{name}"
    for _, name, _ in pkgutil.iter_modules(aecourse.__path__)
    if not name.startswith("_") and name not in ("grading", "homework", "cli", "doctor")
)


def public(module):
    """Yield the functions and classes that a room hands to its readers."""
    for name in getattr(module, "__all__", vars(module)):
        value = getattr(module, name)
        own = getattr(value, "__module__", "").startswith(module.__name__)
        if own and not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value)):
            yield name, value


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0


@pytest.mark.parametrize("name", LIBRARY)
def test_public_names_are_documented(name):
    faults = []
    names = dict(public(importlib.import_module(name)))
    assert names
    for each, value in names.items():
        text = inspect.getdoc(value) or ""
        if inspect.isclass(value) and issubclass(value, BaseException):
            continue
        if "Examples\n--------" not in text:
            faults.append(f"{each}: no example")
        arguments = [a for a in inspect.signature(value).parameters if a not in ("self", "args", "kwargs")]
        # A record's parameters are its attributes.
        record = inspect.isclass(value) and "Attributes\n----------" in text
        if arguments and not record and "Parameters\n----------" not in text:
            faults.append(f"{each}: no parameters")
        if inspect.isfunction(value) and "Returns\n-------" not in text and "Yields\n" not in text:
            if value.__annotations__.get("return", "") is not None and "Raises\n------" not in text:
                faults.append(f"{each}: no result")
    assert not faults, faults
