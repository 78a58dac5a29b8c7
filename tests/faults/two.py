"""Two runs at once: in one folder, and in two folders with one cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import place as places
import twice
from outcome import Table
from place import Ended, Place

LOADED = ("archives", "packages", "wheels", "images", "apt", "apptainer/packages")
REFUSAL = "another process works on the run"
SECONDS = ("fetch_source", "record_behaviour", "synthesise_tasks", "run_model")


def one_folder(table: Table, base: Path) -> None:
    """Start a second run at four moments of a first one: it must refuse, in words."""
    fault, place = "two at once", places.make(base, "one")
    process, count = place.start(), 0
    for rule in SECONDS:
        if not places.wait_for(lambda rule=rule: rule in place.under_way(), process):
            table.wrong(fault, rule, "the first run did not come to this step")
            continue
        ended = beside(place)
        count += table.refused(fault, rule, ended, REFUSAL)
    equal = table.equal(fault, "the first run", place, place.end(process))
    table.add(fault, f"one folder, in {', '.join(SECONDS)}", len(SECONDS),
              f"{count} refused; the first: {'equal' if equal else 'other'} bytes")  # fmt: skip
    shutil.rmtree(place.folder)


def beside(place: Place) -> Ended:
    """Start the run once more, with a log of its own."""
    second = Second(place.folder, place.home)
    return second.end(second.start())


class Second(Place):
    @property
    def log(self) -> Path:
        return self.folder.with_name("second.log")


def one_cache(table: Table, base: Path) -> None:
    """Start runs in two folders at once whose cache lacks environment, Apptainer and weights."""
    fault, home = "two at once", base / "fresh"
    twice.link_cache(home / "cache", LOADED)
    both = [Place(base / name, home) for name in ("left", "right")]
    for place in both:
        twice.copy_tree(place.folder)
    processes = [place.start() for place in both]
    ends = [place.end(process) for place, process in zip(both, processes, strict=True)]
    equal = sum(table.equal(fault, place.folder.name, place, ended)
                for place, ended in zip(both, ends, strict=True))  # fmt: skip
    table.add(fault, "two folders, one cache without weights and environment", 1,
              f"{equal} of 2 with equal bytes")  # fmt: skip
    for place in both:
        shutil.rmtree(place.folder)
    shutil.rmtree(home)
