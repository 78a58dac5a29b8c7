"""A second run in the folder of a first one."""

from __future__ import annotations

import shutil
from pathlib import Path

import clocks
import place as places
from outcome import Table
from place import Ended, Place

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
