"""Weaves the lines of a weakness, or of its hardened twin, into a unit of the target's file."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.categories._types import Row
from assay.core.seeds import shuffled
from assay.core.splice import lines_of

SINK = "#!"
POOLS: Mapping[str, tuple[str, ...]] = {
    "raw": ("label", "text", "entry", "token", "shown"),
    "other": ("topic", "scope", "default", "group", "section"),
    "safe": ("plain", "cleaned", "tidy", "short", "printable"),
    "item": ("line", "piece", "part", "record", "chunk"),
    "conn": ("trail", "store", "journal", "ledger", "book"),
    "root": ("folder", "home", "shelf", "place", "area"),
    "handle": ("source", "stream", "page", "reader", "sheet"),
    "helper": ("loader", "opener", "picker", "finder", "renderer"),
}
MODULES = (
    "ast", "hashlib", "http.client", "io", "json", "logging", "operator", "os", "pathlib",
    "pickle", "re", "shelve", "shlex", "socket", "sqlite3", "string", "subprocess", "tempfile",
    "timeit", "urllib.parse", "urllib.request", "xml.dom.minidom", "xml.dom.pulldom", "xml.sax",
    "xml.sax.saxutils",
)  # fmt: skip
BUILTINS = frozenset({
    "OSError", "ValueError", "compile", "dict", "eval", "exec", "int", "isinstance", "len", "max",
    "open", "sorted", "str", "super", "type",
})  # fmt: skip
_SLOT = re.compile(r"@(\w+)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class WeaveError(ValueError):
    """The unit can't take the lines."""


@dataclass(frozen=True)
class Site:
    """A place in a unit: its file's text, the function's node, and the statement to go before."""

    unit: Row
    text: str
    node: Function
    before: int
    parameter: str


@dataclass(frozen=True)
class Woven:
    """The file and the unit with the lines woven in.

    text:    the whole file
    source:  the unit's lines, decorators included
    lines:   of each marked sink call, 1-based within `source`
    imports: the import statements that were added to the file's head
    """

    text: str
    source: str
    lines: tuple[int, ...]
    imports: tuple[str, ...]


def node_of(text: str, unit: Row) -> Function:
    """Return the unit's node; raise WeaveError if the file has none at its place."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.lineno == unit["def_line"]:
            return node
    raise WeaveError("no plain function at the unit's place")


def weave(site: Site, template: Sequence[str], names: Mapping[str, str]) -> Woven:
    """Return the file with the template's lines put before the site's statement.

    template: lines with `@name` slots and sink marks; names: what each slot stands for.
    Raises WeaveError if the unit hides a name that the lines need, or has no place for them.
    """
    filled = [_SLOT.sub(lambda found: names[found[1]], line) for line in template]
    needed = [name for name in MODULES if any(_uses(name, line) for line in filled)]
    tree = ast.parse(site.text)
    _check_free(tree, site.node, {*(name.partition(".")[0] for name in needed), *BUILTINS})
    imports = [f"import {name}" for name in needed if not _imported(tree, name)]
    lines = lines_of(site.text)
    start, margin = _start(lines, site)
    fresh = [f"{margin}{line}".rstrip() + "\n" for line in filled]
    lines[start:start] = fresh
    first, last = site.unit["start_line"], site.unit["end_line"] + len(fresh)
    marked = [start + i + 1 for i, line in enumerate(filled) if line.rstrip().endswith(SINK)]
    lines = [line.replace(SINK, "").rstrip() + "\n" if n + 1 in marked else line
             for n, line in enumerate(lines)]  # fmt: skip
    sinks = _sink_lines(ast.parse("".join(lines)), marked)
    source = "".join(lines[first - 1 : last])
    text = placed(site.text, (first, site.unit["end_line"]), source, imports)
    return Woven(text, source, tuple(line - first + 1 for line in sinks), tuple(imports))


def placed(text: str, span: tuple[int, int], source: str, imports: Sequence[str]) -> str:
    """Return a file's text with other lines for a unit's, and more imports at its head.

    span: first and last line of the unit, 1-based
    """
    lines, head = lines_of(text), _import_line(ast.parse(text))
    lines[span[0] - 1 : span[1]] = lines_of(source)
    lines[head:head] = [f"{statement}\n" for statement in imports]
    return "".join(lines)


def free_names(unit: Row, node: Function, *seed: object) -> dict[str, str]:
    """Return a local name for each slot that the unit does not use, by a draw of the unit's."""
    used = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    used |= {item.arg for item in ast.walk(node) if isinstance(item, ast.arg)}
    found = {}
    for slot, pool in POOLS.items():
        free = [name for name in shuffled(pool, *seed, slot) if name not in used]
        if not free:
            raise WeaveError("the unit uses all of the names")
        found[slot] = free[0]
    method = unit["kind"] == "method" and node.args.args[:1] and node.args.args[0].arg == "self"
    return {**found, "origin": "type(self).__name__" if method else "__name__"}


def statements(node: Function) -> list[ast.stmt]:
    """Return the statements of the body after the docstring."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def _uses(module: str, line: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(module)}\.", line) is not None


def _check_free(tree: ast.Module, node: Function, needed: set[str]) -> None:
    bound = {arg.arg for arg in ast.walk(node) if isinstance(arg, ast.arg)}
    for item in (*ast.walk(node), *tree.body):
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            bound.add(item.id)
        elif isinstance(item, ast.Assign):
            bound |= {target.id for target in item.targets if isinstance(target, ast.Name)}
        elif isinstance(item, ast.FunctionDef | ast.ClassDef) and item is not node:
            bound.add(item.name)
        elif isinstance(item, ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in item.names}
        elif isinstance(item, ast.Import):
            bound |= {alias.asname for alias in item.names if alias.asname}
    if taken := sorted(bound & needed):
        raise WeaveError(f"the file gives another meaning to {', '.join(taken)}")


def _imported(tree: ast.Module, name: str) -> bool:
    found = (alias for node in tree.body if isinstance(node, ast.Import) for alias in node.names)
    return any(alias.name == name and alias.asname is None for alias in found)


def _start(lines: Sequence[str], site: Site) -> tuple[int, str]:
    """Return the 0-based line to go before (comments stay with their statement) and the margin."""
    body = statements(site.node)
    if not body:
        raise WeaveError("the unit has no body")
    statement = body[site.before]
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    start = min([statement.lineno, *(item.lineno for item in decorators)]) - 1
    margin = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    if "\t" in margin or lines[start].encode()[: statement.col_offset].strip():
        raise WeaveError("the statement does not begin its line")
    while lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start, margin


def _sink_lines(tree: ast.Module, marked: Sequence[int]) -> list[int]:
    """Return all lines of the calls that begin on a marked line; reading a shelf is a call too."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.Subscript) and node.lineno in marked:
            found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sorted(found)


def _import_line(tree: ast.Module) -> int:
    """Return the 0-based line before which imports go: the first import, but for __future__."""
    after = 0
    for node in tree.body:
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if isinstance(node, ast.Import | ast.ImportFrom) and not future:
            return node.lineno - 1
        if future or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            after = node.end_lineno or node.lineno
        else:
            break
    return after
