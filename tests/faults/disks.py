"""A full disk and a read-only folder, at each step; then the same step with the fault gone."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import place as places
from outcome import Table
from place import RUN, Place

# Steps that can run at the same time; each level needs the ones before it.
LEVELS = (
    ("build_image", "fetch_source", "fetch_model"), ("extract_units",),
    ("record_behaviour", "inspect_api"), ("synthesise_tasks", "index_api"), ("select_tasks",),
    ("run_model",), ("score_answers", "check_names"), ("summarise_scores",), ("render_report",),
    ("pack_manifest",),
)  # fmt: skip
RULES = tuple(rule for level in LEVELS for rule in level)
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
    counts = {"read-only": 0, "disk full": 0}
    for rules in LEVELS:
        for rule in rules:  # one by one: Snakemake stops at the first folder that it can't make
            with read_only([place.results / rule, place.results / "telemetry" / rule]):
                ended = place.until(rule)
            counts["read-only"] += table.refused("read-only", rule, ended, f"{rule}/")
        with full(place):
            ended = place.until(*rules)
        counts["disk full"] += sum(
            table.refused("disk full", rule, ended, f"{rule}/") for rule in rules
        )
        ended = place.until(*rules)
        if ended.code:
            table.wrong("disks", ", ".join(rules), f"not resumed: {ended.complaint}")
    for fault, count in counts.items():
        table.add(fault, f"{len(RULES)} steps", len(RULES), f"{count} errors that name the file")
    equal = table.equal("disks", "the run at last", place, place.run())
    table.add("disks", "the run at last", 1, "equal bytes" if equal else "other bytes")
    subprocess.run(["umount", disk], check=True)
    shutil.rmtree(place.folder)


@contextmanager
def full(place: Place) -> Iterator[None]:
    """Fill the disk of the results to the last page."""
    filler = place.folder / "results" / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(PAGE)):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
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
