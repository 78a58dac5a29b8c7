"""Line numbers that an answer states: `LINES: 3, 4`, `LINES: none`, ranges, "line 12"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from assay.scoring.fences import Parts

MAX_LINES = 1000
MAX_NUMBER = 10**6
_MARKED = re.compile(r"(?i)\blines?[*_`\"' \t]{0,20}[:=][ \t*_`]{0,20}(.{0,400})")
_FENCED = re.compile(r"(?m)^[ \t#*]{0,20}LINES?[ \t*]{0,8}:[ \t]{0,8}(.{0,400})")
_PROSE = re.compile(r"(?i)\blines?[ \t]{1,8}(?:numbers?[ \t]{1,8})?((?:#|no\.?[ \t])?\d.{0,60})")
_NONE = re.compile(
    r"(?i)[\W_]*(none|no|nil|null|nothing|n/a|0|no bugs?|clean|empty)\b|[\W_]*\[\s*\]"
)
_NUMBERS = re.compile(
    r"(?i)[\W_]{0,4}(?:lines?|l|no\.?|and|or|to|through|through line|&)?[\W_]{0,2}(\d{1,7})"
)
_RANGE = re.compile(r"(?i)(\d{1,7})[ \t]{0,3}(?:-|–|—|\.\.|to|through)[ \t]{0,3}(?:l)?(\d{1,7})")  # noqa: RUF001 - models write these dashes
_WORDS = re.compile(
    r"(?im)^[\W_]{0,8}(none|no bugs?(?: (?:were |was )?(?:found|present|here))?)[\W_]{0,8}$"
)

Stated = tuple[tuple[int, ...], str]


def find(parts: Parts) -> Stated | None:
    """Return (lines, rule); () for an explicit "none"; None if the answer states nothing.

    The last statement counts: outside the fences first, then inside, then as words in prose.
    """
    for mark, text, rule in (
        (_MARKED, parts.prose, "marked"),
        (_FENCED, parts.whole, "marked, inside a fence"),
    ):
        for match in reversed(list(mark.finditer(text))):
            lines = read(match[1])
            if lines is not None:
                return lines, rule
    for match in reversed(list(_PROSE.finditer(parts.prose))):
        lines = read(match[1])
        if lines:
            return lines, "in prose"
    return ((), "none in words") if _WORDS.search(parts.prose) else None


def read(text: str) -> tuple[int, ...] | None:
    """Return the sorted numbers that a text begins with; () for none; None if it has neither."""
    if _NONE.match(text):
        return ()
    numbers: list[int] = []
    at = 0
    while at < len(text) and len(numbers) < MAX_LINES:
        ranged = _RANGE.match(text, _digits(text, at))
        found = ranged or _NUMBERS.match(text, at)
        if not found:
            break
        ends = [int(number) for number in found.groups()]
        numbers.extend(range(ends[0], min(ends[-1], ends[0] + MAX_LINES) + 1))
        at = found.end()
    return tidy(numbers) if numbers else None


def of_json(value: Any) -> tuple[int, ...] | None:
    """Return the lines of a JSON value: a number, a text, null or a list of these."""
    if value is None:
        return ()
    if isinstance(value, str):
        return read(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return tidy([value])
    if not isinstance(value, list):
        return None
    each = [of_json(item) for item in value[:MAX_LINES] if not isinstance(item, list)]
    known = [lines for lines in each if lines is not None]
    return tidy(number for lines in known for number in lines) if len(known) == len(each) else None


def tidy(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return the plausible line numbers, sorted, each once."""
    return tuple(sorted({n for n in numbers if 0 < n <= MAX_NUMBER}))[:MAX_LINES]


def _digits(text: str, at: int) -> int:
    """Return the place of the number that a list would go on with."""
    found = _NUMBERS.match(text, at)
    return found.start(1) if found else at
