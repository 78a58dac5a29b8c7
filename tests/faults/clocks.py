"""Clocks that were a year wrong when files were written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from outcome import Table
from place import Place

YEAR_S = 365 * 86400
LATER = ("run_model", "score_answers", "check_names", "summarise_scores", "pack_manifest")


def file_times(table: Table, place: Place, kept: Path) -> None:
    """Move the times of every file by a year, of a finished run and of a half-finished one."""
    fault = "clock: file times"
    for name, shift in (("a year ahead", YEAR_S), ("a year behind", -YEAR_S)):
        place.restore(kept)
        move(place.folder, shift)
        ended = place.run()
        equal = table.equal(fault, name, place, ended)
        idle = "Nothing to be done" in ended.said
        if not idle:
            table.wrong(fault, name, "steps ran again")
        table.add(fault, f"finished run, {name}", 1, said(equal) + ", no step ran" * idle)
        for rule in LATER:
            shutil.rmtree(place.results / rule)
        equal = table.equal(fault, f"{name}, half", place, place.run())
        table.add(fault, f"half a run, {name}", 1, said(equal))
        move(place.folder, -shift)  # the code's times, which are not restored


def said(equal: bool) -> str:
    return "equal bytes" if equal else "other bytes"


def move(folder: Path, shift: int) -> None:
    """Move the times of what a run reads and writes."""
    for top in ("results", ".snakemake", "config", "scripts", "rules", "containers", "envs"):
        for path in sorted((folder / top).rglob("*")):
            stat = path.lstat()
            times = (stat.st_atime + shift, stat.st_mtime + shift)
            os.utime(path, times, follow_symlinks=False)
