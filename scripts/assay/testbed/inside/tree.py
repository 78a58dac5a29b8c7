"""The tree that a job works on: a private copy of the target with the job's files put over it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

CODE = Path("/code")
TREE = Path("/tmp/tree")  # noqa: S108 (the sandbox's own /tmp, emptied for each job)
NEVER_COPIED = shutil.ignore_patterns(".git", ".hg", ".svn", "__pycache__", "*.pyc", "*.pyo")


def place(files: Mapping[str, str], python_path: Sequence[str]) -> None:
    """Make the tree, work in it, and let Python import from it first."""
    shutil.copytree(CODE, TREE, symlinks=True, ignore=NEVER_COPIED)
    for path, text in sorted(files.items()):
        destination = TREE / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.unlink(missing_ok=True)
        destination.write_bytes(text.encode("utf-8", "surrogatepass"))
    os.chdir(TREE)
    sys.path[:0] = [str(TREE / folder) for folder in python_path]


def relative(path: str) -> str | None:
    """Return a path relative to the tree, or None if it lies outside."""
    prefix = f"{TREE}{os.sep}"
    return path[len(prefix) :] if path.startswith(prefix) else None


def is_below(path: str, folders: Sequence[str]) -> bool:
    """Tell whether a path in the tree is one of these folders or files, or lies in one."""
    own = PurePosixPath(path)
    return any(own.is_relative_to(PurePosixPath(folder)) for folder in folders)


class Modules:
    """What a process has imported, so that its forks need to look at what they import alone."""

    def __init__(self) -> None:
        self.names, self.files = frozenset(sys.modules), imported_files()

    def now(self) -> dict[str, str]:
        """Return what `imported_files` does, in a fork."""
        return {**self.files, **imported_files(sys.modules.keys() - self.names)}


def imported_files(names: Iterable[str] | None = None) -> dict[str, str]:
    """Return module name -> path in the tree of every module (or these) that comes from it."""
    found = {}
    for name in sorted(sys.modules if names is None else names):
        path = getattr(sys.modules[name], "__file__", None)
        inside = relative(path) if isinstance(path, str) else None
        if inside is not None:
            found[name] = inside
    return found
