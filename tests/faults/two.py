"""Two runs at once: in one folder, and in two folders with one cache and clocks far apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import clocks
import place as places
import twice
from clocks import YEAR_S
from outcome import Table
from place import Ended, Place

LOADED = ("archives", "packages", "wheels", "images", "apt", "apptainer/packages")
REFUSAL = "another process works on the run"
SECONDS = ("fetch_model", "run_model", "score_answers")
FAULT = "two at once"
CLOCK = "clock: time of day"


def at_once(table: Table, quiet: Place, kept: Path) -> str:
    """Start runs in two folders whose cache lacks environment, Apptainer and weights.

    One is told that it is a year later, the other a year earlier. While the first one works, it is
    started once more in its own folder at several moments: that must be refused in words. Both
    begin with a half-finished run, whose model still has to be fetched.
    """
    base = quiet.folder.parent
    home = base / "fresh"
    twice.link_cache(home / "cache", LOADED)
    both = {YEAR_S: Place(base / "ahead", home), -YEAR_S: Place(base / "behind", home)}
    for shift, place in both.items():
        twice.copy_tree(place.folder)
        places.copy_state(kept, place.folder)
        for rule in ("fetch_model", *clocks.LATER):
            shutil.rmtree(place.results / rule)
        reason = clocks.told(place, shift)
    processes = {shift: place.start() for shift, place in both.items()}
    refuse_second(table, both[YEAR_S], processes[YEAR_S])
    ends = {shift: place.end(processes[shift]) for shift, place in both.items()}
    equal = sum(table.equal(FAULT, both[shift].folder.name, both[shift], ended)
                for shift, ended in ends.items())  # fmt: skip
    outcome = f"{equal} of 2 ended with equal bytes"
    table.add(FAULT, "two folders, one cache without environment and weights", 1, outcome)
    if not reason:
        for shift, place in both.items():
            problem = clocks.arrived(place, shift)
            if problem:
                table.wrong(CLOCK, place.folder.name, problem)
        table.add(CLOCK, "these two: a year ahead, a year behind", 2, outcome)
    for place in both.values():
        shutil.rmtree(place.folder)
    shutil.rmtree(home)
    return f"{CLOCK}: {reason}" if reason else ""


def refuse_second(table: Table, place: Place, process: places.Process) -> None:
    """Start a second run in the folder of a first one at several moments."""
    count = 0
    for rule in SECONDS:
        if not places.wait_for(lambda rule=rule: rule in place.under_way(), process):
            table.wrong(FAULT, rule, "the first run did not come to this step")
            continue
        count += table.refused(FAULT, rule, beside(place), REFUSAL)
    table.add(FAULT, f"one folder, in {', '.join(SECONDS)}", len(SECONDS), f"{count} refused")


def beside(place: Place) -> Ended:
    """Start the run once more, with a log of its own."""
    second = Second(place.folder, place.home, place.variables)
    return second.end(second.start())


class Second(Place):
    @property
    def log(self) -> Path:
        return self.folder.with_name("second.log")
