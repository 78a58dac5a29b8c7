"""One file as ast-grep sees it: its definitions and what is counted, as spans of characters."""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from ast_grep_py import SgNode, SgRoot

from assay.mining.rules import LANGUAGE, Rules
from assay.mining.text import Lines, UnreadableError

_LONE_CR = re.compile(r"\r(?!\n)")


@dataclass(frozen=True)
class Definition:
    """A function or class: its node, and its span from `def` to the last character of its body."""

    node: SgNode
    is_class: bool
    start: int
    end: int  # without trailing comments
    reach: int  # where the parser's node ends, which may take in trailing comments

    @property
    def name(self) -> str:
        """The name that it binds."""
        found = self.node.field("name")
        return _normal(found.text()) if found else ""

    @property
    def is_async(self) -> bool:
        """Whether it is an `async def`."""
        first = self.node.child(0)
        return first is not None and first.kind() == "async"


class Source:
    """A parsed file.

    text:  the file's text; lines: its lines and offsets
    Raises UnreadableError if the text is no Python.
    """

    def __init__(self, text: str, rules: Rules, base: int = 0) -> None:
        self.text = text
        self.lines = Lines(text, base)
        self.rules = rules
        # A lone CR ends a line for Python, but not for the parser.
        self.root = SgRoot(_LONE_CR.sub("\n", text), LANGUAGE).root()
        self._check()
        self.starts = {
            name: sorted(_start(node) for node in self.find(name))
            for name in ("statements", "decisions")
        }

    def find(self, rule: str) -> list[SgNode]:
        """Return the nodes that one of the extraction rules matches."""
        found: list[SgNode] = self.root.find_all(self.rules.nodes[rule])
        return found

    def definitions(self) -> list[Definition]:
        """Return all functions and classes in the order of their starts."""
        rules = (("functions", False), ("classes", True))
        found = [
            _definition(node, is_class) for rule, is_class in rules for node in self.find(rule)
        ]
        return sorted(found, key=lambda item: item.start)

    def slice(self, node: SgNode) -> str:
        """Return the node's text as written in the file."""
        span = node.range()
        return self.text[span.start.index : span.end.index]

    def count(self, rule: str, start: int, end: int) -> int:
        """Return how many matches of `statements` or `decisions` start in the span."""
        starts = self.starts[rule]
        return bisect_left(starts, end) - bisect_left(starts, start)

    def _check(self) -> None:
        try:
            python_check(self.text)
        except SyntaxError as error:
            line = error.lineno or 0
            if not self._newer(line) or self.root.find(kind="ERROR"):
                raise UnreadableError(f"syntax error at line {line}: {error.msg}") from error
        except (RecursionError, MemoryError) as error:
            raise UnreadableError("nested too deeply to be parsed") from error
        broken = self.root.find(kind="ERROR")
        if broken:
            line = self.lines.line(_start(broken))
            raise UnreadableError(f"ast-grep can't parse line {line}")

    def _newer(self, line: int) -> bool:
        for node in self.find("newer"):
            span = node.range()
            first, last = (self.lines.line(at) for at in (span.start.index, span.end.index))
            if first <= line <= last:
                return True
        return False


def python_check(text: str) -> ast.Module:
    """Parse with Python's own parser, without its warnings; raise what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except ValueError as error:  # such as an integer of too many digits
            raise SyntaxError(str(error)) from error


def identifier(source: Source, node: SgNode | None) -> str:
    """Return the name that Python binds or looks up for an identifier as written."""
    return _normal(source.slice(node)) if node else ""


def last_child(children: Iterable[SgNode]) -> SgNode | None:
    """Return the last child that is code (a final semicolon is, for Python) and no comment."""
    found = None
    for child in children:
        if child.kind() not in ("comment", "line_continuation"):
            found = child
    return found


def compound_depths(source: Source) -> list[tuple[int, int]]:
    """Return (start, number of compound statements around it) of each compound statement."""
    spans = sorted(_span(node) for node in source.find("compounds"))
    open_ends: list[int] = []
    depths = []
    for start, end in spans:
        while open_ends and open_ends[-1] <= start:
            open_ends.pop()
        depths.append((start, len(open_ends)))
        open_ends.append(end)
    return depths


def _normal(name: str) -> str:
    # PEP 3131: identifiers that are equal under NFKC are the same name.
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def _definition(node: SgNode, is_class: bool) -> Definition:
    start, reach = _span(node)
    leaf = node
    while (child := last_child(leaf.children())) is not None:
        leaf = child
    return Definition(node, is_class, start, leaf.range().end.index, reach)


def _span(node: SgNode) -> tuple[int, int]:
    span = node.range()
    return span.start.index, span.end.index


def _start(node: SgNode) -> int:
    return int(node.range().start.index)
