"""Every public name is documented, and every example in a docstring runs."""

import doctest
import functools
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


def functions_of(module):
    """Yield (name, function) for the functions, methods and properties of a module's public names."""
    for name, value in public(module):
        if inspect.isfunction(value):
            yield name, value
            continue
        for member, attribute in vars(value).items():
            if member.startswith("_") and member not in ("__init__", "__call__"):
                continue
            if isinstance(attribute, (functools.cached_property, property)):
                function = getattr(attribute, "fget", None) or attribute.func
            else:
                function = inspect.unwrap(getattr(attribute, "__func__", attribute))
            # What a decorator or a base class made, such as a dataclass's __init__, has no source of its own.
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                if function.__code__.co_filename == module.__file__:
                    yield f"{name}.{member}", function


def test_a_missing_type_hint_is_found():
    def half(a: int, b) -> None: ...

    def whole(self, a: int, *more: str) -> None: ...

    def silent(a: int): ...

    assert unannotated(half) == ["b"] and unannotated(whole) == [] and unannotated(silent) == ["return"]


def unannotated(function):
    """Return the names of the parameters, and "return", that have no type hint."""
    parameters = inspect.signature(function).parameters.values()
    missing = [p.name for p in parameters if p.annotation is p.empty and p.name not in ("self", "cls")]
    silent = "return" not in function.__annotations__ and function.__name__ != "__init__"
    return missing + ["return"] * silent


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_type_hints(name):
    faults = [
        f"{each}: {', '.join(missing)}"
        for each, function in functions_of(importlib.import_module(name))
        if (missing := unannotated(function))
    ]
    assert not faults, "\n".join(faults)
