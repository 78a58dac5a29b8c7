"""SIGKILL to the whole process group at drawn moments, and a start again each time."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import place as places
from outcome import Table
from place import Place

FAULT = "SIGKILL"
KILLS = 25
SHORT_S = 8.0
LONG = 0.3  # of a quiet run: long enough that the longest step gets done, too
# Most drawn moments fall between steps; so each of these is killed in the middle as well.
WITHIN = ("extract_units", "record_behaviour", "synthesise_tasks", "select_tasks", "run_model",
          "score_answers", "check_names", "summarise_scores", "render_report",
          "pack_manifest")  # fmt: skip
INTO_S = 2.0
# A shard's tasks are made again only where what is drawn from them is missing too.
WITH = {"synthesise_tasks": ("select_tasks",)}


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
    done += table.equal(FAULT, "the run at last", place, place.run())
    for rule in WITHIN:
        kill_within(table, place, rule, draw)
    where = ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items()))
    table.add(FAULT, where, kills, f"resumed each time; {done} runs ended, equal bytes")
    shutil.rmtree(place.folder)


def kill_within(table: Table, place: Place, rule: str, draw: random.Random) -> None:
    """Take a step's results away, kill the run soon after the step has begun, let it end."""
    for name in (rule, *WITH.get(rule, ())):
        shutil.rmtree(place.results / name, ignore_errors=True)
        shutil.rmtree(place.results / "telemetry" / name, ignore_errors=True)
    process = place.start()
    if not places.wait_for(lambda: rule in place.under_way(), process):
        table.wrong(FAULT, rule, f"the run did not come to this step: {place.end(process)}")
        return
    try:
        process.wait(draw.uniform(0, INTO_S))
        seen = "it had ended"
    except subprocess.TimeoutExpired:
        seen = " ".join(place.under_way()) or "between steps"
        places.kill(process)
    equal = table.equal(FAULT, f"in {rule}", place, place.run())
    table.add(
        FAULT, f"in {rule} (at the kill: {seen})", 1, "equal bytes" if equal else "other bytes"
    )
