"""What the cards do while a model answers: clocks, power, heat, memory, by `nvidia-smi` (NVML).

Facts of the machine: they stand beside the telemetry and decide nothing. A card that was throttled
or spilled makes its times no measure of the model.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.core.files import read_json, write_json
from assay.engines import _smi
from assay.engines.base import wants_cards

FILE = "cards.csv"
NUMBERS = (
    "clocks.sm", "clocks.mem", "power.draw", "temperature.gpu", "memory.used", "utilization.gpu",
)  # fmt: skip
REASONS = "clocks_event_reasons.active"
EVERY_MS = 500
IDLE = 1  # the bit of the reasons that says that there is nothing to do
STOP_S = 10


@contextmanager
def watched(described: Mapping[str, Any], folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Sample the cards until the block ends; the list that is yielded then holds a record of each.

    described: the model file's content; nothing is done where no card is used or can be asked
    folder:    where the samples are kept meanwhile
    """
    found: list[dict[str, Any]] = []
    program = _smi.find() if wants_cards(described) else None
    if program is None:
        yield found
        return
    samples = folder / FILE
    query = _smi.joined(("index", "name", REASONS, *NUMBERS))
    with samples.open("wb") as stream:
        child = subprocess.Popen(
            [program, query, _smi.FORMAT, "-lms", str(EVERY_MS)],
            stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield found
    finally:
        child.kill()
        child.wait(STOP_S)
        found += summary(samples.read_text(encoding="utf-8", errors="replace"))
        samples.unlink()


def note(fingerprint: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Add what the cards did to what was measured of a run, in its fingerprint's file."""
    record = read_json(fingerprint)
    record["measured"]["cards"] = list(found)
    write_json(fingerprint, record)


def summary(text: str) -> list[dict[str, Any]]:
    """Return for each card samples, reasons of a held-down clock, [least, mean, most]."""
    whole = [row for row in _smi.cells(text) if len(row) == len(NUMBERS) + 3]
    return [
        _of_card([row for row in whole if row[0] == index])
        for index in sorted({row[0] for row in whole})
    ]


def _of_card(rows: list[list[str]]) -> dict[str, Any]:
    columns = zip(NUMBERS, zip(*(row[3:] for row in rows), strict=True), strict=True)
    reasons = {int(row[2], 16) & ~IDLE for row in rows if row[2].startswith("0x")} - {0}
    return {
        "card": ", ".join(rows[0][:2]), "samples": len(rows),
        "held_down": [hex(reason) for reason in sorted(reasons)],
        **{name: _spread(cells) for name, cells in columns},
    }  # fmt: skip


def _spread(cells: tuple[str, ...]) -> list[float] | None:
    """Return least, mean and most; None where the card does not tell."""
    known = [float(cell) for cell in cells if cell.replace(".", "", 1).isdigit()]
    return [min(known), round(sum(known) / len(known), 1), max(known)] if known else None
