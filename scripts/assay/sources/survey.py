"""What a fetched source looks like to somebody who wants to use it as a target.

Plain reading of files (nothing of the source is run): which folders hold the code, where its tests
are, what they import, and which public classes and functions they call.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

Files = Mapping[str, bytes]
_TEST_FOLDER = re.compile(r"tests?")
_TEST_FILE = re.compile(r"(test_.*|.*_test|tests?)\.py")
_NO_CODE = frozenset({
    "benchmarks", "build", "dist", "doc", "docs", "docs_src", "examples", "scripts", "tasks",
    "tools", "vendor",
})  # fmt: skip
_NO_MODULES = frozenset({"setup.py", "conftest.py", "noxfile.py", "tasks.py", "versioneer.py"})
_PLAIN = ("__call__",)


@dataclass
class Entry:
    """A public class or function that the tests call."""

    name: str
    uses: int
    methods: list[str] = field(default_factory=list)


@dataclass
class Survey:
    """What was found; empty where there is nothing."""

    packages: list[str]
    source_roots: list[str]
    tests: list[str]
    imported: list[str]
    entries: list[Entry]


def survey(files: Files) -> Survey:
    """Look at a source's files (path -> bytes)."""
    roots = ["src"] if any(path.startswith("src/") for path in files) else []
    packages = list(_packages(files, roots))
    tests = list(_tests(files))
    test_code = [_parsed(data) for path, data in sorted(files.items()) if _is_test(path, tests)]
    own = {PurePosixPath(package).name.removesuffix(".py") for package in packages}
    third = {name for tree in test_code for name in _imports(tree)}
    third -= {*sys.stdlib_module_names, *own, "pytest", "tests", "test", "conftest"}
    entries = [
        entry for package in packages for entry in _entries(files, package, roots, test_code)
    ]
    return Survey(packages, roots, tests, sorted(third), _ranked(entries))


def _packages(files: Files, roots: Sequence[str]) -> Iterator[str]:
    prefixes = [f"{root}/" for root in roots] or [""]
    for prefix in prefixes:
        inner = {path.removeprefix(prefix) for path in files if path.startswith(prefix)}
        for path in sorted(inner):
            head, _, rest = path.partition("/")
            known = _TEST_FOLDER.fullmatch(head) or head in _NO_CODE or head in _NO_MODULES
            if known or _TEST_FILE.fullmatch(head):
                continue
            if rest == "__init__.py" or (not rest and head.endswith(".py")):
                yield prefix + head


def _tests(files: Files) -> Iterator[str]:
    """Yield the outermost folders of tests, else the files of tests that lie by themselves."""
    folders = {
        "/".join(parts[: place + 1])
        for parts in (path.split("/") for path in files)
        for place, part in enumerate(parts[:-1])
        if _TEST_FOLDER.fullmatch(part) and _TEST_FILE.fullmatch(parts[-1])
    }
    outermost = [
        one for one in sorted(folders) if not any(one.startswith(f"{o}/") for o in folders)
    ]
    alone = [path for path in sorted(files) if _TEST_FILE.fullmatch(PurePosixPath(path).name)]
    yield from outermost or alone


def _is_test(path: str, tests: Sequence[str]) -> bool:
    return path.endswith(".py") and any(path == one or path.startswith(f"{one}/") for one in tests)


def _parsed(data: bytes) -> ast.Module:
    try:
        return ast.parse(data)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _entries(
    files: Files, package: str, roots: Sequence[str], tests: Iterable[ast.Module]
) -> Iterator[Entry]:
    """Yield the public names of a package's front module that the tests call."""
    front = package if package.endswith(".py") else f"{package}/__init__.py"
    module = package.removesuffix(".py")
    for root in roots:
        module = module.removeprefix(f"{root}/")
    inside = [
        _parsed(data) for path, data in sorted(files.items())
        if path == front or path.startswith(f"{package}/")
    ]  # fmt: skip
    defined: dict[str, ast.AST] = {}
    for tree in inside:
        for item in tree.body:
            if isinstance(item, ast.ClassDef | ast.FunctionDef):
                defined.setdefault(item.name, item)
    called = Counter(name for tree in tests for name in _called(tree))
    for name in sorted(_public(_parsed(files[front]), defined)):
        node = defined[name]
        if called[name] and not _is_error(node):
            yield Entry(f"{module}:{name}", called[name], _methods(node, called))


def _public(front: ast.Module, defined: Iterable[str]) -> set[str]:
    """Return the names of `__all__`, else what the front module imports or defines."""
    found: set[str] = set()
    for node in front.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed = [one for one in ast.walk(node.value) if isinstance(one, ast.Constant)]
            return {str(one.value) for one in listed} & set(defined)
        if isinstance(node, ast.ImportFrom):
            names = {alias.asname or alias.name for alias in node.names}
            found |= set(defined) if "*" in names else names
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
    return {name for name in found & set(defined) if not name.startswith("_")}


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name | ast.Attribute):
                yield function.id if isinstance(function, ast.Name) else function.attr


def _methods(node: ast.AST, called: Counter[str]) -> list[str]:
    if not isinstance(node, ast.ClassDef):
        return []
    names = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
    public = [name for name in names if not name.startswith("_") and called[name]]
    return [*public, *(name for name in _PLAIN if name in names)]


def _is_error(node: ast.AST) -> bool:
    bases = [ast.unparse(base) for base in getattr(node, "bases", [])]
    return any(base.endswith(("Error", "Exception", "Warning")) for base in bases)


def _ranked(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (-entry.uses, entry.name))
