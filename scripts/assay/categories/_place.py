"""Put an answer's unit into the file, leaving all other bytes as they are."""

from __future__ import annotations

import ast
import functools
import re

from assay.categories._types import CodeKey, Extraction
from assay.core.splice import indented, lines_of, replace_lines

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# To Python a line's margin begins anew behind a form feed; one put before it would be lost.
_FEEDS = re.compile(r"(?m)^[ \t\f]*\f")


class PlaceError(ValueError):
    """The answer's code can't be put in the unit's place (it is the answer's fault)."""


def place(file_text: str, key: CodeKey, extraction: Extraction) -> str:
    """Return the file with the unit replaced by the answer's, and its helpers and imports added.

    The answer is re-indented to the place. Decorators that the answer leaves out stay as they
    are in the file. With `body_only` the file's decorators, signature and docstring stay, and the
    answer's body alone is taken. Helpers go before the top-level statement that holds the unit,
    imports after the imports at the file's head; what the file already imports is not repeated,
    nor is any `__future__` import.

    Raises PlaceError if the answer has no such unit or does not parse.
    """
    if extraction.code is None:
        raise PlaceError("the answer has no code")
    code = _FEEDS.sub("", extraction.code.replace("\r\n", "\n"))
    unit = _unit(code, key.name)
    fresh = _with_body(file_text, key, code, unit) if key.body_only else _whole(
        file_text, key, code, unit
    )  # fmt: skip
    text = replace_lines(file_text, key.first, key.last, fresh)
    return _with_extras(file_text, text, key, extraction)


def _unit(code: str, name: str) -> Function:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise PlaceError(f"the answer's code does not parse: {error}") from error
    found = [
        node for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name == name
    ]  # fmt: skip
    if not found:
        raise PlaceError(f"the answer does not define {name}")
    return found[-1]


def _whole(file_text: str, key: CodeKey, code: str, unit: Function) -> str:
    lines, old = lines_of(code), lines_of(file_text)
    first = min([unit.lineno, *(item.lineno for item in unit.decorator_list)])
    kept = "" if unit.decorator_list else "".join(old[key.first - 1 : key.def_line - 1])
    own = "".join(lines[first - 1 : unit.end_lineno])
    return kept + indented(own, _margin(old[key.def_line - 1]))


def _with_body(file_text: str, key: CodeKey, code: str, unit: Function) -> str:
    head, margin = _head(file_text, key.first, key.last, key.def_line, key.body_line)
    return head + indented(_dedent(_body(code, unit)), margin)


@functools.lru_cache(maxsize=64)
def _head(text: str, first: int, last: int, def_line: int, body_line: int) -> tuple[str, str]:
    """Return decorators, signature and docstring as they stand, and the body's margin."""
    old, tree = lines_of(text), ast.parse(text)
    mine = next(
        node for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno == def_line
    )  # fmt: skip
    start = mine.body[1 if ast.get_docstring(mine, clean=False) is not None else 0 :][:1]
    margin = _margin(old[def_line - 1]) + "    "
    if not start:
        return "".join(old[first - 1 : last]), margin
    before = old[body_line - 1].encode()[: start[0].col_offset].decode()
    head = "".join(old[first - 1 : body_line - 1])
    if body_line == start[0].lineno and before.strip():
        return head + before.rstrip(" \t;") + "\n", margin
    return head, _margin(old[start[0].lineno - 1])


def _body(code: str, unit: Function) -> str:
    """Return the lines of the answer's body after its docstring, comments between included."""
    lines = lines_of(code)
    documented = ast.get_docstring(unit, clean=False) is not None
    body = unit.body[1:] if documented else unit.body
    if not body:
        return "pass\n"
    start = body[0]
    before = lines[start.lineno - 1].encode()[: start.col_offset].decode()
    if before.strip():
        rest = lines[start.lineno - 1].encode()[start.col_offset :].decode()
        return rest + "".join(lines[start.lineno : unit.end_lineno])
    first_line = start.lineno
    if isinstance(start, Function) and start.decorator_list:
        first_line = start.decorator_list[0].lineno
    while first_line > 1 and lines[first_line - 2].lstrip().startswith("#"):
        first_line -= 1
    return "".join(lines[first_line - 1 : unit.end_lineno])


def _dedent(text: str) -> str:
    """Take the first line's margin off each line that has it (strings may reach further left)."""
    margin = _margin(lines_of(text)[0])
    return "".join(line.removeprefix(margin) for line in lines_of(text))


def _with_extras(old: str, text: str, key: CodeKey, extraction: Extraction) -> str:
    """Put helpers and imports in; lines above the unit are the same in both texts."""
    if not extraction.helpers and not extraction.imports:
        return text
    tree = ast.parse(old)
    if extraction.helpers:
        top = [node for node in tree.body if _first(node) <= key.first]
        where = _first(top[-1]) if top else 1
        block = "\n\n".join(item.rstrip("\n") for item in extraction.helpers) + "\n\n\n"
        text = _inserted(text, where, block)
    known = {
        ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)
    }
    fresh = [
        item for item in extraction.imports
        if _normal(item) not in known and not _normal(item).startswith("from __future__")
    ]  # fmt: skip
    if fresh:
        text = _inserted(text, _import_line(tree), "".join(f"{item.strip()}\n" for item in fresh))
    return text


def _normal(statement: str) -> str:
    try:
        return ast.unparse(ast.parse(statement))
    except (SyntaxError, ValueError) as error:
        raise PlaceError(f"an import of the answer does not parse: {error}") from error


def _import_line(tree: ast.Module) -> int:
    """Return the line before which imports go: after the docstring and the first imports."""
    line = 1
    for node in tree.body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (text or isinstance(node, ast.Import | ast.ImportFrom)):
            break
        line = (node.end_lineno or node.lineno) + 1
    return line


def _inserted(text: str, line: int, block: str) -> str:
    lines = lines_of(text)
    if line > 1 and not lines[line - 2].endswith(("\n", "\r")):
        lines[line - 2] += "\n"
    return "".join(lines[: line - 1]) + block + "".join(lines[line - 1 :])


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(item.lineno for item in decorators)])


def _margin(line: str) -> str:
    found = re.match(r"[ \t]*", line)
    return found.group() if found else ""
