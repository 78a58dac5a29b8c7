"""Listings with line numbers: one unit, or an excerpt of its file."""

from __future__ import annotations

from collections.abc import Sequence

from assay.categories import _context
from assay.categories._types import Material, Row
from assay.core.seeds import fraction
from assay.core.splice import lines_of

EXCERPT = 240  # lines; the window is cut at blank lines, so it is a little shorter
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


def window(text: str, first: int, last: int, *seed: object) -> tuple[int, int]:
    """Return first and last line of an excerpt around a unit, its place in it drawn by the seed.

    Raises ValueError if the file is too short for one.
    """
    lines = lines_of(text)
    if len(lines) < FEWEST_LINES:
        raise ValueError("the file is too short")
    slack = max(0, EXCERPT - (last - first + 1))
    start = first - int(slack * fraction("excerpt", *seed))
    start = max(1, min(start, len(lines) - EXCERPT + 1))
    end = min(len(lines), start + EXCERPT - 1)
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


def shown_source(row: Row) -> str:
    """Return a collaborator's source under a line that says where it is from."""
    place = f"{row['path']}, in class {row['parent']}" if row["parent"] else row["path"]
    margin = row["source"][: len(row["source"]) - len(row["source"].lstrip())]
    source = "".join(line.removeprefix(margin) for line in lines_of(row["source"]))
    return f"# from {place}\n{source.rstrip()}"
