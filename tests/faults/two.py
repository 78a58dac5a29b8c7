"""A second run in the folder of a first one, and two runs that fill one cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import clocks
import place as places
import twice
from outcome import Table
from place import Ended, Place

FROM_AFAR = ("packages", "wheels", "apt", "apptainer/packages")  # what a network would give
REFUSAL = "another process works on the run"


def one_folder(table: Table, place: Place, kept: Path) -> None:
    """Start the run once more while it works: that must be refused in words, and harm nothing."""
    fault = "two at once"
    place.restore(kept)
    for rule in clocks.LATER:
        shutil.rmtree(place.results / rule)
    process = place.start()
    if not places.wait_for(lambda: "run_model" in place.under_way(), process):
        table.wrong(fault, "run_model", "the first run did not come to this step")
    table.refused(fault, "the second run", beside(place), REFUSAL)
    equal = table.equal(fault, "the first run", place, place.end(process))
    outcome = f"second refused in words; first: {'equal' if equal else 'other'} bytes"
    table.add(fault, "one folder, in run_model", 1, outcome)


def beside(place: Place) -> Ended:
    """Start the run once more, with a log of its own."""
    second = Second(place.folder, place.home)
    return second.end(second.start())


class Second(Place):
    """The same folder, and another log."""

    @property
    def log(self) -> Path:
        return self.folder.with_name("second.log")


def one_cache(table: Table, base: Path) -> None:
    """Start two runs in two folders at once, on a cache that holds nothing made yet."""
    fault, home = "two at once", base / "shared-home"
    twice.link_cache(home / "cache", FROM_AFAR)
    pair = [Place(base / name, home) for name in ("first", "second")]
    for place in pair:
        twice.copy_tree(place.folder)
    running = [place.start() for place in pair]
    equal = [
        table.equal(fault, f"two folders, {place.folder.name}", place, place.end(process))
        for place, process in zip(pair, running, strict=True)
    ]
    outcome = f"{sum(equal)} of 2 ended with equal bytes"
    table.add(fault, "two folders, one empty cache", 2, outcome)
    for place in pair:
        shutil.rmtree(place.folder)
