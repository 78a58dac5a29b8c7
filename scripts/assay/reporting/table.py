"""The short table that stands on the terminal at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.reporting import grids
from assay.reporting.conduct import sentences
from assay.reporting.inputs import Inputs
from assay.reporting.notices import notices
from assay.reporting.safe import one_line

CELL, SENTENCE = 40, 400


def table(inputs: Inputs, report: Path) -> str:
    """Return a plain-text table of rates, the notices, and the report's place."""
    categories = grids.group_names(inputs, "category")
    rows = [["model", "passed", "rate", "95 % interval", *categories, "unreadable", "void"]]
    for name in inputs.models:
        it = inputs.summary["models"][name]
        known = [it["by_category"].get(category) for category in categories]
        parts = [f"{one['passed']}/{one['total']}" if one else None for one in known]
        rows.append([
            grids.text(cell) for cell in (
                name, f"{it['passed']}/{it['total']}", grids.percent(it["rate"]),
                grids.interval(it), *parts, it["unreadable"], it["void"],
            )
        ])  # fmt: skip
    first = notices(inputs.summary, inputs.references, inputs.asked, sentences(inputs))
    said = [one_line(sentence, SENTENCE) for sentence in first]
    lines = [
        f"Assay: {one_line(inputs.run, CELL)}",
        "",
        *aligned(rows),
        "",
        *said,
        f"Report: {report}",
    ]
    return "\n".join(lines) + "\n"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows with equal columns: the first to the left, all others to the right."""
    safe = [[one_line(cell, CELL) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in safe) for column in range(len(safe[0]))]
    return [
        "  ".join([
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ])
        for row in safe
    ]  # fmt: skip
