"""Of a changed file, the function that the change lies in: no more than that has to be compiled.

A part is a text in which the function stands on the lines and in the classes that it has in the
file. So its code object has the place, the qualified name and the mangled names of the real one.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Range = tuple[int, int]  # first and last line, counted from 1
COOKIE_LINES = 2  # the first ones, that may name another encoding than UTF-8


def lines_of(text: str) -> list[str]:
    """Return a text's lines with their ends, cut where Python cuts (`splitlines` cuts more)."""
    return list(io.StringIO(text, newline=""))


def changed_lines(old: Sequence[str], new: Sequence[str]) -> Range:
    """Return which lines of the old text differ; of an insertion, the lines on its two sides."""
    least = min(len(old), len(new))
    before = 0
    while before < least and old[before] == new[before]:
        before += 1
    after = 0
    while after < least - before and old[-1 - after] == new[-1 - after]:
        after += 1
    first, last = before + 1, len(old) - after
    return (first, last) if first <= last else (last, first)


@dataclass(frozen=True)
class Part:
    """A function that stands in a module or in its classes, and nowhere deeper.

    lines: decorators included
    head:  what stands before it in a part: empty lines, and the first lines of its classes
    """

    lines: Range
    head: str

    def text(self, lines: Sequence[str], more: int = 0) -> str:
        """Return the part of a file's lines in which the function has so many lines more."""
        first, last = self.lines
        return self.head + "".join(lines[first - 1 : last + more])


class Source:
    """An unchanged file's lines and its functions."""

    def __init__(self, text: str) -> None:
        """Raises SyntaxError or ValueError for what Python can't parse."""
        self.lines = lines_of(text)
        whole = text.startswith("\ufeff") or "coding" in "".join(self.lines[:COOKIE_LINES])
        self.parts = [] if whole else list(_parts(ast.parse(text).body, ()))

    def part(self, text: str) -> tuple[Part, str] | None:
        """Return the function that a new text of the file changes, and the part it is in then.

        None where the change is not within one function.
        """
        new = lines_of(text)
        first, last = changed_lines(self.lines, new)
        for part in self.parts:
            if part.lines[0] <= first and last <= part.lines[1]:
                return part, part.text(new, len(new) - len(self.lines))
        return None


def _parts(body: Sequence[ast.stmt], classes: tuple[ast.ClassDef, ...]) -> Iterator[Part]:
    for node in body:
        if getattr(node, "type_params", ()):
            continue  # they are a scope of their own around it
        if isinstance(node, ast.ClassDef):
            yield from _parts(node.body, (*classes, node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            lines = [""] * (first - 1)
            for outer in classes:
                lines[outer.lineno - 1] = f"{' ' * outer.col_offset}class {outer.name}:"
            yield Part((first, node.end_lineno or first), "".join(f"{line}\n" for line in lines))
