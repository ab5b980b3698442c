"""Old names of modules that moved, so that ``import aecourse.tables`` and the like keep working."""

import importlib
import importlib.abc
import importlib.machinery
import sys

MOVED = {
    "aecourse.detect": "aecourse.tabular",
    "aecourse.downloads": "aecourse.datasets.adbench",
    "aecourse.grading.broken": "aecourse.homework.broken",
    "aecourse.grading.personal": "aecourse.homework.personal",
    "aecourse.progress": "aecourse._support.progress",
    "aecourse.tables": "aecourse.tabular",
}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Find a module under its old name: the same module object as under the new one."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec):
        module = importlib.import_module(MOVED[spec.name])
        spec.loader_state = {key: getattr(module, key) for key in ("__spec__", "__loader__", "__package__")}
        return module

    def exec_module(self, module):
        # The import system has written the old name's spec into the module; its own come back.
        for key, value in module.__spec__.loader_state.items():
            setattr(module, key, value)


def install():
    """Add the finder, once, behind all others."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
