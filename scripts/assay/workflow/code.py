"""Content digests of the code that a step uses, so that an edit re-runs it and a touch does not.

The closure is read from the sources: imports of `assay` modules, plug-in rooms named in calls of
the registry, and what is mounted into the sandbox, which is named as text: a sibling file
("worker.py"), a module ("assay.room.module") or a folder ("room/folder").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from assay.core.files import sha256_file
from assay.core.seeds import digest

_ROOM = re.compile(r"\b(?:discover|load|names)\(\s*\"(\w+)\"")
_SIBLING = re.compile(r"\"(\w+\.py)\"")
_MODULE = re.compile(r"\"(assay(?:\.\w+)+)\"")
_FOLDER = re.compile(r"\"(\w+(?:/\w+)+)\"")


def code_digest(
    scripts: Path, rule: str, plugins: Mapping[str, Iterable[str]] | None = None,
    data: Iterable[Path] = (),
) -> str:  # fmt: skip
    """Return a digest of all that `scripts/<rule>.py` can run, and of the `data` files.

    plugins: room -> names, where a step uses only some plug-ins of a room (default: all).
    """
    files = {*closure(scripts, rule, plugins or {}), *_below(data)}
    listed = sorted((_name(path, scripts), sha256_file(path)) for path in files)
    return digest(*(part for entry in listed for part in entry))[:16]


def closure(scripts: Path, rule: str, plugins: Mapping[str, Iterable[str]]) -> set[Path]:
    """Return the program and every file of the library that it can reach."""
    found: set[Path] = set()
    waiting = [scripts / f"{rule}.py"]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        waiting += _reached(path, scripts, plugins)
    return found


def _reached(path: Path, scripts: Path, plugins: Mapping[str, Iterable[str]]) -> Iterator[Path]:
    text = path.read_text(encoding="utf-8")
    for module in _imports(ast.parse(text, str(path))):
        yield from _files_of(module, scripts)
    for room in _ROOM.findall(text):
        folder = scripts / "assay" / room
        names = plugins.get(room)
        yield from (
            sorted(folder.glob("*.py"))
            if names is None
            else (folder / f"{name}.py" for name in ("__init__", "base", *names))
        )
    for name in _SIBLING.findall(text):
        yield path.parent / name
    for name in _MODULE.findall(text):
        yield from _files_of(name, scripts)
    for name in _FOLDER.findall(text):
        yield from sorted((scripts / "assay" / name).glob("*.py"))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(module: str, scripts: Path) -> Iterator[Path]:
    if module.split(".", maxsplit=1)[0] != "assay":
        return
    base = scripts.joinpath(*module.split("."))
    yield base.with_suffix(".py")
    yield from (
        folder / "__init__.py" for folder in (base, *base.parents) if scripts in folder.parents
    )


def _below(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in sorted(path.rglob("*")) if file.is_file())
        else:
            yield path


def _name(path: Path, scripts: Path) -> str:
    return path.relative_to(scripts.parent).as_posix()
