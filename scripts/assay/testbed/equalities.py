"""Puts comparisons that look for lies in the place of the tests' own, in the tests' text.

An object that equals everything passes a test that compares with `==`, whatever is expected. So
where tests are made to fail (`exposing`), each comparison in their files also asks whether the
value equals what it must not (`inside.equality`). Lines keep their numbers.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

MODULE = '__import__("assay.testbed.inside.equality", fromlist=["met"])'
MET = f"{MODULE}.met()"
COMPARED = {ast.Eq: "equal", ast.NotEq: "unequal", ast.In: "within", ast.NotIn: "outside"}
SIGNS = {ast.Eq: ["=="], ast.NotEq: ["!="], ast.In: ["in"], ast.NotIn: ["not", "in"]}
ASSERTED = frozenset({
    "assertEqual", "assertEquals", "assertNotEqual", "assertListEqual", "assertTupleEqual",
    "assertDictEqual", "assertSetEqual", "assertSequenceEqual", "assertCountEqual",
})  # fmt: skip

Place = tuple[int, int]  # line from 1, column in bytes


@dataclass(frozen=True)
class _Edit:
    """New text between two places of a file."""

    start: Place
    end: Place
    text: bytes


@lru_cache(maxsize=512)  # a target's test files, for one answer after the other
def checked(text: str) -> str:
    """Return Python text whose comparisons look for lies; text that is no Python as it is."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    lines = [line.encode() for line in text.split("\n")]
    edits = [edit for node in _nodes(tree) for edit in _edits(node, lines)]
    # The last ones first; of two at one place the inner one, so that the outer stands before it.
    order = sorted(range(len(edits)), key=lambda number: (edits[number].start, number))
    for edit in (edits[number] for number in reversed(order)):
        (line, first), (_, last) = edit.start, edit.end
        old = lines[line - 1]
        lines[line - 1] = old[:first] + edit.text + old[last:]
    return b"\n".join(lines).decode()


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes outside of f-strings, whose places are wrong before Python 3.12."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.JoinedStr | ast.pattern):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def _edits(node: ast.AST, lines: list[bytes]) -> list[_Edit]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
        return _comparison(node, lines)
    return _assertion(node) if isinstance(node, ast.Call) else []


def _comparison(node: ast.Compare, lines: list[bytes]) -> list[_Edit]:
    """Turn `left == right` into a call; nothing where the sign can't be found."""
    kind = type(node.ops[0])
    sign = _sign(lines, _end(node.left), _start(node.comparators[0]), SIGNS[kind])
    if not sign:
        return []
    head = f"{MODULE}.{COMPARED[kind]}(".encode()
    return [
        _Edit(_start(node), _start(node), head), *sign, _Edit(_end(node), _end(node), b")"),
    ]  # fmt: skip


def _assertion(node: ast.Call) -> list[_Edit]:
    """Turn `x.assertEqual(left, right)` into `asserting(x.assertEqual)(left, right)`."""
    called = node.func
    if not isinstance(called, ast.Attribute) or called.attr not in ASSERTED:
        return []
    head = f"{MODULE}.asserting(".encode()
    return [
        _Edit(_start(called), _start(called), head), _Edit(_end(called), _end(called), b")"),
    ]  # fmt: skip


def _sign(lines: list[bytes], start: Place, end: Place, wanted: list[str]) -> list[_Edit]:
    """Return the edits that turn a comparison's sign into a comma."""
    rows = lines[start[0] - 1 : end[0]]
    rows[-1] = rows[-1][: end[1]]
    rows = [b" " * start[1] + rows[0][start[1] :], *rows[1:]]
    found = [place for text, place in _words(b"\n".join(rows).decode()) if text in wanted]
    if len(found) != len(wanted):
        return []
    edits = []
    for number, (word, (row, column)) in enumerate(zip(wanted, found, strict=True)):
        before = len(rows[row - 1].decode()[:column].encode())
        line = start[0] + row - 1
        edits.append(_Edit((line, before), (line, before + len(word)), b"" if number else b","))
    return edits


def _words(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the tokens of a comparison's middle, which is no sentence of its own."""
    inside = io.StringIO(f"(\n{text}\n").readline  # what is in brackets has no indentation
    try:
        for token in tokenize.generate_tokens(inside):
            if token.type in (tokenize.OP, tokenize.NAME) and token.start[0] > 1:
                yield token.string, (token.start[0] - 1, token.start[1])
    except tokenize.TokenError:
        return  # the bracket is never closed


def _start(node: ast.expr) -> Place:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> Place:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
