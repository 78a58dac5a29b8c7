"""What became of the candidates: how many were tried, which gate dropped them, what was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from assay.reporting import figures, grids
from assay.reporting.inputs import Inputs
from assay.statistics.tells import by_part, in_words

NOT_DRAWN = "not_drawn"  # the gate of what was proven and not needed
SHORT = "short_of_mix"  # rows with this gate are remarks on the mix, no candidates
COLUMNS = ("target", "category", "operator")

Row = Mapping[str, Any]


def tables(inputs: Inputs) -> list[tuple[str, grids.Grid]]:
    """Return the funnel by target, by category and by operator, each as (column, table)."""
    gates = _gates(_dropped(inputs))
    return [(column, _table(inputs, column, gates)) for column in COLUMNS]


def charts(inputs: Inputs) -> list[tuple[str, Markup]]:
    """Return a funnel of each target: candidates, dropped by each gate, proven, kept."""
    found = []
    for target in sorted(inputs.summary["targets"]):
        dropped = [row for row in _dropped(inputs) if row["target"] == target]
        kept = sum(row["target"] == target for row in inputs.rows["tasks"])
        counts = Counter(row["gate"] for row in dropped)
        spare = counts.pop(NOT_DRAWN, 0)
        bars = [
            ("candidates", len(dropped) + kept, False),
            *((f"dropped: {label(gate)}", counts[gate], True) for gate in _gates(dropped)),
            ("proven", kept + spare, False), ("kept as tasks", kept, False),
        ]  # fmt: skip
        found.append((target, figures.bars(f"Candidates of {target}", bars)))
    return found


def shortages(inputs: Inputs) -> list[str]:
    """Return what the mix asked for and could not be made, as sentences."""
    return [
        f"{row['target']}, {label(row['category'])}, {row['reason']}."
        for row in inputs.rows["rejected"] if row["gate"] == SHORT
    ]  # fmt: skip


def tells(inputs: Inputs) -> list[str]:
    """Return how well words alone tell vulnerable from clean units, by target and all in all."""
    return [in_words(name, figures) for name, figures in by_part(inputs.summary)]


def label(name: str) -> str:
    """Return a name of ours in words."""
    return name.replace("_", " ") or "none"


def _table(inputs: Inputs, column: str, gates: Sequence[str]) -> grids.Grid:
    dropped = _dropped(inputs)
    kept = Counter(_value(row, column) for row in inputs.rows["keys"])
    names = sorted({*kept, *(_value(row, column) for row in dropped)})
    head = [column, "candidates", *map(label, gates), "proven", "kept", "proven of candidates"]

    def cells(name: str) -> list[Any]:
        counts = Counter(row["gate"] for row in dropped if _value(row, column) == name)
        proven, total = kept[name] + counts[NOT_DRAWN], kept[name] + sum(counts.values())
        lost = [counts[gate] or None for gate in gates]
        shown = name if column == "target" else label(name)
        return [shown, total, *lost, proven, kept[name], grids.percent(proven / total)]

    return grids.grid(head, [(cells(name), False) for name in names])


def _dropped(inputs: Inputs) -> list[Row]:
    """Return one row for each candidate that is no task, whatever the number of its gates."""
    rows = {(row["target"], row["candidate_id"]): row for row in inputs.rows["rejected"]
            if row["gate"] != SHORT}  # fmt: skip
    return list(rows.values())


def _gates(dropped: Iterable[Row]) -> list[str]:
    """Return the gates that dropped something, the busiest first."""
    counts = Counter(row["gate"] for row in dropped if row["gate"] != NOT_DRAWN)
    return sorted(counts, key=lambda gate: (-counts[gate], gate))


def _value(row: Row, column: str) -> str:
    return str(row[column])
