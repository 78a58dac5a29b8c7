"""Python source of one function as text with byte spans, and edits that leave all else as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Function = ast.FunctionDef | ast.AsyncFunctionDef
N = TypeVar("N", bound=ast.AST)
WRAP = b"if 1:\n"


@dataclass(frozen=True)
class Edit:
    """One change: the UTF-8 bytes start…end of the source become `new`.

    rule:    the changed rule in words, as a specification would state it
    deletes: a whole statement or branch goes
    """

    start: int
    end: int
    new: str
    rule: str
    deletes: bool = False


class Code:
    """A unit's source (whole lines, perhaps indented), parsed, with byte spans of its nodes.

    Raises SyntaxError if the source does not parse, ValueError if it is no function.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.data = source.encode("utf-8")
        self._shift = len(WRAP) if source[:1] in {" ", "\t"} else 0
        tree = ast.parse(WRAP * bool(self._shift) + self.data)
        self._starts = _line_starts(WRAP * bool(self._shift) + self.data)
        top = tree.body[0]
        unit = top.body[0] if self._shift and isinstance(top, ast.If) else top
        if not isinstance(unit, ast.FunctionDef | ast.AsyncFunctionDef):
            raise ValueError("not the source of a function")  # noqa: TRY004 - it is the text that is wrong
        self.unit: Function = unit
        self._parents = {
            child: node for node in ast.walk(unit) for child in ast.iter_child_nodes(node)
        }

    def nodes(self, *kinds: type[N]) -> Iterator[N]:
        """Yield the body's nodes of these kinds in the order of the text, docstrings left out."""
        found = [
            node for statement in self.statements() for node in _walk(statement)
            if isinstance(node, kinds)
        ]  # fmt: skip
        yield from sorted(found, key=self.span)

    def statements(self) -> list[ast.stmt]:
        """Return the body's statements after the docstring."""
        documented = ast.get_docstring(self.unit, clean=False) is not None
        return self.unit.body[int(documented) :]

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return the node that holds `node`, within the unit."""
        return self._parents.get(node)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return the byte offsets of a node's start and end in the source."""
        start = self._offset(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        end = self._offset(getattr(node, "end_lineno", 1), getattr(node, "end_col_offset", 0))
        return start, end

    def text(self, node: ast.AST) -> str:
        """Return a node's text (without the parentheses around it)."""
        start, end = self.span(node)
        return self.cut(start, end)

    def cut(self, start: int, end: int) -> str:
        """Return the text between two byte offsets."""
        return self.data[start:end].decode("utf-8")

    def replace(self, node: ast.AST, new: str, rule: str) -> Edit:
        """Return the edit that puts `new` in a node's place."""
        return Edit(*self.span(node), new, rule)

    def between(self, left: ast.AST, right: ast.AST, word: str) -> tuple[int, int] | None:
        """Return the span of an operator that stands between two nodes, or None."""
        start, end = self.span(left)[1], self.span(right)[0]
        pattern = r"\s+".join(re.escape(part) for part in word.split())
        found = re.search(pattern.encode(), self.data[start:end])
        return (start + found.start(), start + found.end()) if found else None

    def whole_lines(self, first: ast.AST, last: ast.AST) -> tuple[int, int]:
        """Return the span of the lines from one node's start to another's end, LF included."""
        start, end = self.span(first)[0], self.span(last)[1]
        start = self.data.rfind(b"\n", 0, start) + 1
        after = self.data.find(b"\n", end)
        return start, len(self.data) if after < 0 else after + 1

    def apply(self, edit: Edit) -> str:
        """Return the new source."""
        new = self.data[: edit.start] + edit.new.encode("utf-8") + self.data[edit.end :]
        return new.decode("utf-8")

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column - self._shift


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a statement without docstrings, annotations, decorators and signatures."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "args"} and not isinstance(
            node, ast.Call
        ):
            continue
        items = value if isinstance(value, list) else [value]
        nested = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if name == "body" and nested and _is_text(items[0]):
            items = items[1:]
        for item in items:
            if isinstance(item, ast.AST):
                yield from _walk(item)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _line_starts(data: bytes) -> list[int]:
    starts, position = [0], 0
    while (position := data.find(b"\n", position) + 1) > 0:
        starts.append(position)
    return starts
