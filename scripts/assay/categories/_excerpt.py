"""Listings with line numbers: one unit, or an excerpt of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.categories import _context
from assay.categories._types import Material, Row
from assay.core.seeds import fraction
from assay.core.splice import lines_of

EXCERPT = 240  # lines; the window is cut at blank lines, so it is a little shorter
HALF = 110  # lines of each of two excerpts
FEWEST_LINES = 200
MOST_COLLABORATORS = 3
COLLABORATORS_CHARACTERS = 2200


def numbered(lines: Sequence[str], first: int) -> str:
    """Return the lines with their numbers, beginning at `first`."""
    width = len(str(first + len(lines) - 1))
    return "\n".join(
        f"{first + index:>{width}} | {line.rstrip()}".rstrip(" ")
        for index, line in enumerate(lines)
    )


@dataclass(frozen=True)
class Layout:
    """One listing or two, with the paths of their files.

    shift: what is added to the line numbers of the second file, so that each number is one line's
    """

    listings: tuple[str, ...]
    paths: tuple[str, ...]
    shift: int = 0


def layout(
    files: Mapping[str, str], first: Row, other: Row | None, *seed: object
) -> Layout:  # fmt: skip
    """Return excerpts around a unit and, if it is given, around another of any file.

    files: texts by path, in which both units have the lines that their rows say
    """
    ends = (first["start_line"], first["end_line"])
    text = files[first["path"]]
    if other is None:
        return Layout((_piece(text, *window(text, *ends, *seed)),), (first["path"],))
    far = (other["start_line"], other["end_line"])
    if other["path"] == first["path"]:
        span = (min(ends[0], far[0]), max(ends[1], far[1]))
        if span[1] - span[0] < EXCERPT:
            return Layout((_piece(text, *window(text, *span, *seed)),), (first["path"],))
        parts = sorted(window(text, *pair, *seed, size=HALF) for pair in (ends, far))
        return Layout(tuple(_piece(text, *part) for part in parts), (first["path"],))
    start, end = window(text, *ends, *seed, size=HALF)
    second = files[other["path"]]
    begin, stop = window(second, *far, *seed, size=HALF)
    shift = (end // 100 + 1) * 100 + 1 - begin
    listings = (_piece(text, start, end), _piece(second, begin, stop, shift))
    return Layout(listings, (first["path"], other["path"]), shift)


def _piece(text: str, start: int, end: int, shift: int = 0) -> str:
    return numbered(lines_of(text)[start - 1 : end], start + shift)


def window(
    text: str, first: int, last: int, *seed: object, size: int = EXCERPT
) -> tuple[int, int]:  # fmt: skip
    """Return first and last line of an excerpt around a unit, its place in it drawn by the seed.

    size: lines of the excerpt, at most (a longer unit is shown whole)
    Raises ValueError if the file is too short for one.
    """
    lines = lines_of(text)
    if len(lines) < FEWEST_LINES and size == EXCERPT:
        raise ValueError("the file is too short")
    slack = max(0, size - (last - first + 1))
    start = first - int(slack * fraction("excerpt", *seed))
    start = max(1, min(start, len(lines) - size + 1))
    end = min(len(lines), max(last, start + size - 1))
    while 1 < start < first and lines[start - 2].strip():
        start += 1
    while last < end < len(lines) and lines[end].strip():
        end -= 1
    while end > last and not lines[end - 1].strip():
        end -= 1
    return start, end


def companions(material: Material) -> list[Row]:
    """Return the units to show beside the unit: what it calls, then what calls it.

    At most three, and no more of them than fit into the space for collaborators.
    """
    called = _context.collaborators(material.unit, material.units)
    calling = _context.callers(material.unit, material.units)
    found: list[Row] = []
    for row in [*called, *calling]:
        if row["kind"] in {"function", "method"} and row not in found:
            together = sum(len(item["source"]) for item in [*found, row])
            found += [row] if together <= COLLABORATORS_CHARACTERS else []
    return found[:MOST_COLLABORATORS]


def related(material: Material) -> list[Row]:
    """Return the functions that the unit calls or that call it, of any file and size."""
    called = _context.collaborators(material.unit, material.units)
    calling = _context.callers(material.unit, material.units)
    rows = {row["unit_id"]: row for row in (*called, *calling)}
    return [rows[name] for name in sorted(rows) if rows[name]["kind"] in {"function", "method"}]


def shown_source(row: Row) -> str:
    """Return a collaborator's source under a line that says where it is from."""
    place = f"{row['path']}, in class {row['parent']}" if row["parent"] else row["path"]
    margin = row["source"][: len(row["source"]) - len(row["source"].lstrip())]
    source = "".join(line.removeprefix(margin) for line in lines_of(row["source"]))
    return f"# from {place}\n{source.rstrip()}"
