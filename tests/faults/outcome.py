"""What the harness prints: one row a fault and place, and what counts as survived."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from place import Ended, Place

HEADS = ("fault", "where", "tries", "outcome")


@dataclass
class Table:
    """The rows so far; `quiet` are the bytes that every finished run must have.

    quiet_s: seconds that the quiet run took
    """

    quiet: dict[str, bytes]
    quiet_s: float = 0.0
    rows: list[tuple[str, str, int, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, fault: str, where: str, tries: int, outcome: str) -> None:
        self.rows.append((fault, where, tries, outcome))
        print(f"faults: {fault}: {where}: {tries}: {outcome}", flush=True)

    def wrong(self, fault: str, where: str, text: str) -> None:
        self.broken.append(f"{fault}, {where}: {text}")
        print(f"faults: BROKEN: {self.broken[-1]}", flush=True)

    def equal(self, fault: str, where: str, place: Place, ended: Ended) -> bool:
        """Check that a run ended well and has the bytes of the quiet run."""
        if ended.code:
            self.wrong(fault, where, f"exit code {ended.code}: {ended.complaint}")
            return False
        found = place.content()
        other = sorted(name for name in found.keys() | self.quiet.keys()
                       if found.get(name) != self.quiet.get(name))  # fmt: skip
        if other:
            self.wrong(fault, where, f"other bytes than the quiet run: {', '.join(other)}")
        return not other

    def refused(self, fault: str, where: str, ended: Ended, name: str) -> bool:
        """Check that a run stopped with an error, no traceback of ours, that names a file.

        Snakemake itself, where it can't remove an old file, ends with a traceback that names it.
        """
        if not ended.code:
            problem = "went on"
        elif re.search(r'File ".*/scripts/', ended.said):
            problem = f"a traceback: {ended.said[-1500:]}"
        elif not any(name in error for error in ended.errors):
            problem = f"no error names {name}: {' | '.join(ended.errors) or ended.said[-1500:]}"
        else:
            return True
        self.wrong(fault, where, problem)
        return False

    def text(self) -> str:
        """Return the rows as text, in columns."""
        lines = [HEADS, *((f, w, str(t), o) for f, w, t, o in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
