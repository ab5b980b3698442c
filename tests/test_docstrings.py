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
# For students and practitioners, and so with parameters, results and an example. The others are the
# instructor's, the command line's, or the lessons' own exercises.
LIBRARY = [
    name
    for name in MODULES
    if not name.startswith(("aecourse.grading", "aecourse.exercises.lesson_", "aecourse.homework"))
    and name not in ("aecourse.cli", "aecourse.doctor")
]


def public(module):
    """Yield the functions and classes that a room, or one of its modules, gives to readers.

    Those are the names in the ``__all__`` of the room or of the module; without either, all names without an
    underscore. What modules of a room share among themselves is in no ``__all__``.
    """
    room = importlib.import_module(".".join(module.__name__.split(".")[:2]))
    names = {*getattr(module, "__all__", ()), *getattr(room, "__all__", vars(module))}
    for name in sorted(names & set(vars(module))):
        value = getattr(module, name)
        own = (
            module is room
            and hasattr(room, "__path__")
            or getattr(value, "__module__", None) == module.__name__
        )
        if not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value)) and own:
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
    assert names or name.count(".") == 2
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
