"""What each model needed of memory, by what for, as the step `fetch_model` worked it out."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from assay.reporting import figures, grids
from assay.reporting.inputs import Inputs

MIB = 1 << 20
PARTS = ("weights", "cache", "states", "activations", "reserve")


def table(inputs: Inputs) -> grids.Grid:
    """Return one row a model with weights: MiB by part, and the longest context that fits."""
    head = ["model", *(f"{part}, MiB" for part in PARTS), "in all, MiB", "there are, MiB",
            "cache a token, bytes", "context", "longest that fits"]  # fmt: skip
    rows = []
    for name, it in _known(inputs):
        sizes = [_mib(it["bytes"][part]) for part in PARTS]
        there = None if it["available"] is None else _mib(it["available"])
        rows.append(([name, *sizes, _mib(it["total"]), there, it["cache_per_token"],
                      it["context"], it["largest_context"]], False))  # fmt: skip
    return grids.grid(head, rows)


def figure(inputs: Inputs) -> Markup:
    """Return a stacked bar a model: its parts, and a line where the memory ends."""
    rows = [
        (name, [(part, _mib(it["bytes"][part])) for part in PARTS],
         None if it["available"] is None else _mib(it["available"]))
        for name, it in _known(inputs)
    ]  # fmt: skip
    return figures.stacked("Memory by what for, in MiB", rows)


def _known(inputs: Inputs) -> list[tuple[str, Any]]:
    planned = [(name, inputs.memory.get(name)) for name in inputs.models]
    return [(name, record) for name, record in planned if record and record["bytes"]]


def _mib(size: int) -> int:
    return -(-size // MIB)
