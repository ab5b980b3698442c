"""The shape of the code: imports run downwards, private names stay in their modules, TensorFlow waits."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from aecourse._support.moved import MOVED

ROOT = Path(__file__).parents[1]
# From the bottom to the top: a module imports from rooms below its own, or from its own. A new room goes into
# this list and into docs/architecture.md.
ROOMS = (
    "_support",
    "datasets",
    "builders",
    "training",
    "thresholds",
    "conformal",
    "evaluation",
    "windows",
    "baselines",
    "plots",
    "explorer",
    "detector",
    "tabular",
    "scaling",
    "exercises",
    "homework",
    "grading",
    "doctor",
    "cli",
)
# These give lazy access to all rooms.
ROOT_MODULES = ("__init__", "__main__")
WITH_TENSORFLOW = ("builders", "training", "detector.ensemble", "detector.export", "_support.tensorflow")
PACKAGE = sorted((ROOT / "aecourse").rglob("*.py"))


def module_name(path: Path) -> str:
    """Return a module's name inside the package: "tabular.reading", and "tabular" for its `__init__`."""
    parts = path.relative_to(ROOT / "aecourse").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


NAMES = {module_name(path) for path in PACKAGE}
ALIASES = {old.removeprefix("aecourse."): new.removeprefix("aecourse.") for old, new in MOVED.items()}
ALIASES["AutoencoderDetector"] = "detector"


def for_type_checkers(node: ast.AST) -> bool:
    """Say whether a node is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def nodes(tree: ast.AST, inside_functions: bool = True) -> Iterator[ast.AST]:
    """Yield the nodes of a module that run, as opposed to those that type checkers read."""
    for child in ast.iter_child_nodes(tree):
        if for_type_checkers(child):
            continue
        if not inside_functions and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        yield child
        yield from nodes(child, inside_functions)


def imported(path: Path, inside_functions: bool = True) -> Iterator[tuple[int, str, str]]:
    """Yield the imports of a file as (line, module, name); the name is empty for `import module`."""
    for node in nodes(ast.parse(path.read_text(encoding="utf-8")), inside_functions):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.relative_to(ROOT).parts[: -node.level]
                base = ".".join((*package, *filter(None, [base])))
            yield from ((node.lineno, base, alias.name) for alias in node.names)


def imported_from_package(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, module inside the package) for each import of a module of the package."""
    for line, module, name in imported(path):
        if module.split(".")[0] == "aecourse":
            whole = f"{module}.{name}".removeprefix("aecourse.") if name else module.removeprefix("aecourse.")
            whole = ALIASES.get(whole, whole)
            yield line, whole if whole in NAMES or "." not in whole else whole.rpartition(".")[0]


def room(name: str) -> str:
    return name.split(".")[0]


def test_every_module_belongs_to_a_room():
    assert {room(name) for name in NAMES} - set(ROOT_MODULES) == set(ROOMS)


def test_the_page_on_the_architecture_names_every_room_and_module():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = (ROOT / "docs" / "layers.svg").read_text(encoding="utf-8")
    unnamed = [
        name for name in ROOMS if f"`{name}`" not in page or not re.search(rf"[>, ]{name}[<, ]", drawing)
    ]
    # Of the grader, the lessons' exercises and single files the page says enough by naming the room.
    parts = [
        name.rpartition(".")[2]
        for name in NAMES
        if "." in name and room(name) not in ("grading", "exercises")
    ]
    wall = (ROOT / "docs" / "grader-wall.svg").read_text(encoding="utf-8")
    unnamed += [part for part in parts if f"`{part}`" not in page]
    unnamed += [
        name for name in NAMES if name.startswith("grading.") and name.rpartition(".")[2] not in page + wall
    ]
    assert unnamed == []


@pytest.mark.parametrize("path", PACKAGE, ids=module_name)
def test_imports_run_downwards(path):
    name = module_name(path)
    if name in ROOT_MODULES:
        return
    level = ROOMS.index(room(name))
    upwards = [
        f"line {line}: {name} imports {other}"
        for line, other in imported_from_package(path)
        if room(other) in ROOMS and ROOMS.index(room(other)) > level
    ]
    assert upwards == []


def reach(name: str) -> set[str]:
    """Return the modules that a module imports, directly or by way of others."""
    known: set[str] = set()
    waiting = [name]
    while waiting:
        path = ROOT / "aecourse" / waiting.pop().replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        fresh = {other for _, other in imported_from_package(path)} & NAMES - known
        known |= fresh
        waiting += fresh
    return known


def test_no_module_imports_itself_by_way_of_others():
    """A room's `__init__` and its modules are the exception: it exports what they define."""
    circles = sorted(name for name in NAMES if "." in name and name in reach(name))
    assert circles == []


@pytest.mark.parametrize("top", ["exercises", "homework", "thresholds", "evaluation", "grading.sandbox"])
def test_what_a_room_must_not_know(top):
    known = {
        other
        for path in PACKAGE
        if f"{module_name(path)}.".startswith(f"{top}.")
        for _, other in imported_from_package(path)
    }
    if top in ("thresholds", "evaluation"):
        assert {room(other) for other in known} <= {"_support"}
    elif top == "grading.sandbox":
        assert not {other for other in known if other.startswith("grading.inside")}
    else:
        assert "grading" not in {room(other) for other in known}


def test_only_the_command_line_knows_the_grader():
    users = {
        room(module_name(path))
        for path in PACKAGE
        for _, other in imported_from_package(path)
        if room(other) == "grading"
    }
    assert users <= {"grading", "cli"}


def test_tensorflow_is_imported_by_those_who_need_it_only():
    users = {
        module_name(path)
        for path in PACKAGE
        for _, module, name in imported(path, inside_functions=False)
        if module.split(".")[0] in ("tensorflow", "keras")
        or f"{module}.{name}".startswith("aecourse._support.tensorflow")
    }
    strangers = {
        name for name in users if not any(f"{name}.".startswith(f"{who}.") for who in WITH_TENSORFLOW)
    }
    assert strangers == set()


# --- Private names -------------------------------------------------------------------------------


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def foreign_private_names(tree: ast.AST) -> Iterator[str]:
    """Yield `module._x` and `from module import _x`, where the module is one of ours."""
    ours: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or ".").split(".")[0] in (
            "aecourse",
            "tools",
            "benchmarks",
            "",
        ):
            for alias in node.names:
                # The private room is for every module of ours; its modules' private names are not.
                if is_private(alias.name) and alias.name != "_support":
                    yield f"line {node.lineno}: from {node.module} import {alias.name}"
                ours.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            ours |= {
                alias.asname or alias.name for alias in node.names if alias.name.split(".")[0] == "aecourse"
            }
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = ast.unparse(node.value)
            is_support = node.attr == "_support" and owner == "aecourse"
            if not is_support and (owner in ours or owner.startswith("aecourse.")):
                yield f"line {node.lineno}: {owner}.{node.attr}"


OURS = [
    path for folder in ("aecourse", "tools", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))
]


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_private_names_stay_in_their_modules(path):
    assert list(foreign_private_names(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_lesson_uses_public_names_only(path):
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    tree = ast.parse("\n".join(code))
    assert list(foreign_private_names(tree)) == []
    assert not any(
        any(is_private(part) for part in module.split(".")) for module in modules_imported(tree)
    ), "a lesson imports a private module"


def modules_imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that some code imports."""
    for node in nodes(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(
    "code, found",
    [
        ("from aecourse import training\ntraining._build(1)", ["line 2: training._build"]),
        ("from aecourse.training import _build", ["line 1: from aecourse.training import _build"]),
        ("import aecourse\naecourse.training._build", ["line 2: aecourse.training._build"]),
        ("from aecourse._support import checks\nself._x = checks.check_rows(X)", []),
        ("def f():\n    from aecourse import plots\n    plots._draw()", ["line 3: plots._draw"]),
        ("import numpy as np\nnp._x", []),
    ],
)
def test_a_private_name_of_another_module_is_found(code, found):
    assert list(foreign_private_names(ast.parse(code))) == found


# --- Search paths --------------------------------------------------------------------------------


def test_nobody_extends_the_search_path():
    """`python -m` from the root, and pytest's own setting, find every module."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    change = re.compile(r"sys\.path(\[.*?\])? \+?= |sys\.path\.(insert|append|extend)\(|syspath_prepend\(")
    changed = []
    for name in listed.stdout.splitlines():
        if name == "aecourse/grading/inside/student.py" or not (ROOT / name).exists():
            continue  # a student's code finds the files beside its notebook, as in Jupyter
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            # Programs inside a text, such as hostile submissions, are data here; so are a test's own folders.
            if isinstance(node, (ast.Expr, ast.Assign, ast.AugAssign)) and change.match(ast.unparse(node)):
                changed.append(f"{name}, line {node.lineno}: {ast.unparse(node)}")
            elif isinstance(node, ast.Call) and change.search(ast.unparse(node.func) + "("):
                if "tmp_path" not in ast.unparse(node):
                    changed.append(f"{name}, line {node.lineno}: {ast.unparse(node)}")
    assert changed == []
