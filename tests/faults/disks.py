"""A full disk and a read-only folder, at each step; then the same step with the fault gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import place as places
from outcome import Table
from place import RUN, Place

RULES = (
    "build_image", "fetch_source", "fetch_model", "extract_units", "record_behaviour",
    "synthesise_tasks", "select_tasks", "inspect_api", "index_api", "run_model", "score_answers",
    "check_names", "summarise_scores", "render_report", "pack_manifest",
)  # fmt: skip
SIZE_MB = 128
PAGE = 4096


def faulty_disks(table: Table, base: Path) -> None:
    """Make the run step by step on a small disk; before each step, the disk fails it."""
    place = places.make(base, "disk")
    places.set_up(place)
    disk = place.folder / "results"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "faults", disk], check=True)
    with read_only([disk]):
        table.refused("read-only", "all results", place.run(), f"results/.{RUN}.lock")
    counts = {"disk full": 0, "one page left": 0, "read-only": 0}
    for rule in RULES:
        for fault in counts:
            with FAULTS[fault](place, rule):
                ended = place.until(rule)
            counts[fault] += table.refused(fault, rule, ended, f"results/{RUN}/")
        ended = place.until(rule)
        if ended.code:
            table.wrong("disks", rule, f"not resumed: {ended.complaint}")
    for fault, count in counts.items():
        table.add(fault, f"{len(RULES)} steps", len(RULES), f"{count} errors that name the file")
    equal = table.equal("disks", "the run at last", place, place.run())
    table.add("disks", "the run at last", 1, "equal bytes" if equal else "other bytes")
    subprocess.run(["umount", disk], check=True)
    shutil.rmtree(place.folder)


@contextmanager
def full(place: Place, pages: int) -> Iterator[None]:
    """Fill the disk of the results until so many pages are left."""
    filler = place.folder / "results" / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(PAGE)):
                pass
        except OSError:
            stream.truncate(os.fstat(stream.fileno()).st_size - pages * PAGE)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def read_only(folders: list[Path]) -> Iterator[None]:
    """Mount folders over themselves, read-only: even root can't write there."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    try:
        yield
    finally:
        for folder in folders:
            subprocess.run(["umount", folder], check=True)


FAULTS = {
    "disk full": lambda place, _: full(place, 0),
    "one page left": lambda place, _: full(place, 1),
    "read-only": lambda place, rule: read_only(
        [place.results / rule, place.results / "telemetry" / rule]
    ),
}
