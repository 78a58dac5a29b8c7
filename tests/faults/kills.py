"""SIGKILL to the whole process group at drawn moments, and a start again each time."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import place as places
from outcome import Table

FAULT = "SIGKILL"
KILLS = 25
SHORT_S = 8.0
LONG = 0.3  # of a quiet run: long enough that the longest step gets done, too


def kill_often(table: Table, base: Path) -> None:
    """Kill one run again and again until it was killed often enough, then let it end."""
    place = places.make(base, "killed")
    longest = max(SHORT_S, LONG * table.quiet_s)
    draw, counts, kills, done = random.Random(places.SEED), Counter(), 0, 0
    while kills < KILLS:
        process = place.start()
        try:
            code = process.wait(draw.uniform(0.2, draw.choice((SHORT_S, longest))))
        except subprocess.TimeoutExpired:
            rules = place.under_way()
            places.kill(process)
            kills += 1
            counts.update(rules or ["between steps"])
            print(f"faults: kill {kills}: {' '.join(rules) or 'between steps'}", flush=True)
            continue
        # The run ended before it could be killed: the next ones begin from nothing.
        done += table.equal(FAULT, "ended early", place, places.Ended(code, place.log.read_text()))
        shutil.rmtree(place.results)
    ended = place.run()
    done += table.equal(FAULT, "the run at last", place, ended)
    where = ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items()))
    table.add(FAULT, where, kills, f"resumed each time; {done} runs ended, equal bytes")
    shutil.rmtree(place.folder)
