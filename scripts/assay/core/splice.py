"""Edits that keep the rest of a file byte for byte."""

from __future__ import annotations

import difflib
import itertools


def lines_of(text: str) -> list[str]:
    """Return the lines with their ends, splitting at LF, CRLF and CR only (as Python does)."""
    return text.splitlines(keepends=True) if not _odd_breaks(text) else _split(text)


def replace_lines(text: str, first: int, last: int, new: str) -> str:
    """Replace the 1-based, inclusive lines by `new` (which gets a final LF if it has none)."""
    lines = lines_of(text)
    if new and not new.endswith("\n"):
        new += "\n"
    return "".join(lines[: first - 1]) + new + "".join(lines[last:])


def merged(old: str, one: str, other: str) -> str | None:
    """Return `old` with the changes of both texts, or None if they touch the same lines."""
    lines = lines_of(old)
    edits = sorted([*_edits(lines, one), *_edits(lines, other)])
    for (first, end, _), (start, last, _) in itertools.pairwise(edits):
        inserted = first == end or start == last
        if start < end or (start == end and inserted):
            return None
    for start, end, fresh in reversed(edits):
        lines[start:end] = fresh
    return "".join(lines)


def _edits(lines: list[str], new: str) -> list[tuple[int, int, list[str]]]:
    fresh = lines_of(new)
    matcher = difflib.SequenceMatcher(a=lines, b=fresh, autojunk=False)
    return [
        (start, end, fresh[first:last])
        for kind, start, end, first, last in matcher.get_opcodes()
        if kind != "equal"
    ]


def replace_bytes(text: str, start: int, end: int, new: str) -> str:
    """Replace a span of UTF-8 byte offsets."""
    data = text.encode("utf-8")
    return (data[:start] + new.encode("utf-8") + data[end:]).decode("utf-8")


def indented(text: str, prefix: str) -> str:
    """Put `prefix` before every line that is not blank."""
    return "".join(prefix + line if line.strip() else line for line in lines_of(text))


def _odd_breaks(text: str) -> bool:
    return any(char in text for char in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")


def _split(text: str) -> list[str]:
    lines, start = [], 0
    while start < len(text):
        ends = [text.find(mark, start) for mark in ("\n", "\r")]
        found = [end for end in ends if end >= 0]
        if not found:
            lines.append(text[start:])
            break
        end = min(found)
        end += 2 if text.startswith("\r\n", end) else 1
        lines.append(text[start:end])
        start = end
    return lines
