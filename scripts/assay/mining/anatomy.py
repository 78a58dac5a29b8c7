"""The parts of one function or class: signature, parameters, docstring, body, decorators, calls."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ast_grep_py import SgNode

from assay.mining.syntax import Definition, Source, identifier, last_child, python_check

_NAMED = {
    "identifier": "",
    "default_parameter": "",
    "typed_parameter": "",
    "typed_default_parameter": "",
    "list_splat_pattern": "*",
    "dictionary_splat_pattern": "**",
}
_AROUND = ("parenthesized_expression", "list_splat", "list_splat_pattern")


@dataclass(frozen=True)
class Body:
    """Where a body begins.

    start: offset of its first statement; docstring: as evaluated, or None
    first_line: first line after the signature and docstring that is not blank (a comment counts);
        the line after the last one if nothing is left
    """

    start: int
    docstring: str | None
    first_line: int


def decorators(item: Definition) -> list[SgNode]:
    """Return the definition's decorators in order."""
    around = item.node.parent()
    if around is None or around.kind() != "decorated_definition":
        return []
    return [child for child in around.children() if child.kind() == "decorator"]


def decorator_text(source: Source, mark: SgNode) -> str:
    """Return a decorator from its `@` on, as written, without a comment behind it."""
    last = last_child(mark.children()) or mark
    return source.text[mark.range().start.index : last.range().end.index]


def signature(source: Source, item: Definition) -> str:
    """Return the text from `def` or `class` to the colon, as written."""
    return source.text[item.start : _colon(item)]


def parameters(source: Source, item: Definition) -> list[str]:
    """Return the names of the parameters in order, with `*` or `**` in front where declared."""
    listed = None if item.is_class else item.node.field("parameters")
    names = []
    for child in listed.named_children() if listed else []:
        kind = child.kind()
        if kind in _NAMED:
            star, node = _NAMED[kind], child
            while node.kind() != "identifier":
                star = _NAMED[node.kind()] or star
                node = node.named_children()[0]
            names.append(star + identifier(source, node))
    return names


def returns(source: Source, item: Definition) -> str:
    """Return the annotation of the result as written, or ""."""
    node = None if item.is_class else item.node.field("return_type")
    return source.slice(node) if node else ""


def body(source: Source, item: Definition) -> Body:
    """Return where the body begins, and its docstring."""
    statements = _statements(item.node.field("body"))
    if not statements:
        return Body(item.end, None, source.lines.line(item.end - 1) + 1)
    docstring = _docstring(source, statements[0])
    rest = statements if docstring is None else statements[1:]
    head_end = _colon(item) if docstring is None else statements[0].range().end.index
    start = statements[0].range().start.index
    return Body(start, docstring, _first_line(source, item, head_end, rest))


def module_docstring(source: Source) -> str | None:
    """Return the docstring of the file, as evaluated."""
    statements = _statements(source.root)
    return _docstring(source, statements[0]) if statements else None


class Calls:
    """The names that a file's calls use, by place."""

    def __init__(self, source: Source) -> None:
        named = ((node.range().start.index, _called(source, node)) for node in source.find("calls"))
        pairs = sorted((start, name) for start, name in named if name)
        self.starts = [start for start, _ in pairs]
        self.names = [name for _, name in pairs]

    def within(self, start: int, end: int) -> list[str]:
        """Return the sorted names called in a span."""
        span = slice(bisect_left(self.starts, start), bisect_left(self.starts, end))
        return sorted(set(self.names[span]))


def nesting(depths: Sequence[tuple[int, int]], start: int, end: int, around: int) -> int:
    """Return how deep compound statements nest in the span, below `around` enclosing ones."""
    low = bisect_left(depths, (start, -1))
    deepest = around - 1
    for place, depth in depths[low:]:
        if place >= end:
            break
        deepest = max(deepest, depth)
    return deepest - around + 1


def _colon(item: Definition) -> int:
    colons = [child for child in item.node.children() if child.kind() == ":"]
    return int(colons[-1].range().end.index)


def _statements(block: SgNode | None) -> list[SgNode]:
    children: Iterable[SgNode] = block.named_children() if block else ()
    return [child for child in children if child.kind() not in ("comment", "line_continuation")]


def _first_line(source: Source, item: Definition, head_end: int, rest: list[SgNode]) -> int:
    lines = source.lines
    head = lines.line(head_end - 1)
    last = lines.line(item.end - 1)
    if rest and lines.line(rest[0].range().start.index) == head:
        return head
    line = head + 1
    while line <= last and lines.blank(line):
        line += 1
    return line


def _docstring(source: Source, statement: SgNode) -> str | None:
    node = statement if statement.kind() == "expression_statement" else None
    while node is not None and node.kind() in ("expression_statement", "parenthesized_expression"):
        children = node.named_children()
        only = last_child(children)
        codes = [child for child in children if child.kind() != "comment"]
        commas = any(child.kind() == "," for child in node.children())
        node = only if len(codes) == 1 and not commas else None
    if node is None or node.kind() not in ("string", "concatenated_string"):
        return None
    return _evaluated(source.slice(node))


def _evaluated(literal: str) -> str | None:
    try:
        value: Any = ast.literal_eval(python_check(f"({literal}\n)").body[0].value)  # type: ignore[attr-defined]
    except (SyntaxError, ValueError):
        return None  # an f-string, or a newer form of literal
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _called(source: Source, call: SgNode) -> str:
    if call.kind() == "type_alias_statement":
        return "type"  # see calls.yaml
    names: list[str] = []
    node = _bare(call.field("function"))
    while node is not None and node.kind() == "attribute":
        names.insert(0, identifier(source, node.field("attribute")))
        node = _bare(node.field("object"))
    if node is None:
        return ""
    if node.kind() == "identifier":
        return ".".join([identifier(source, node), *names])
    # A method of an expression: its name alone, but `super()` is kept, since it says whose.
    owner = "super()" if len(names) == 1 and _is_super(source, node) else ""
    return f"{owner}.{names[-1]}" if names else ""


def _is_super(source: Source, node: SgNode) -> bool:
    function = _bare(node.field("function")) if node.kind() == "call" else None
    given = node.field("arguments")
    if function is None or given is None or function.kind() != "identifier":
        return False
    return identifier(source, function) == "super" and not _statements(given)


def _bare(node: SgNode | None) -> SgNode | None:
    """Return the expression within parentheses or behind the star that the parser binds to it."""
    while node is not None and node.kind() in _AROUND:
        node = last_child(node.named_children())
    return node
