"""Five tasks of each category as a person reads them, as Markdown (`make sample-tasks`).

One of each stratum and one more of another kind, by a seeded draw, from a run's own tables. What
its first target has none of comes from the next one that has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.core.records import KEYS, TASKS
from assay.core.seeds import shuffled
from assay.core.tables import read_table
from assay.reporting.grids import STRATA

PER_CATEGORY = 5
HEAD, TAIL = 2600, 1400  # characters of a prompt that are shown; all of a shorter one
INTRODUCTION = """Made by `make sample-tasks` from a run on {made_from}.
The prompt is what a model sees; the right answer and what it is checked by are in the key, which no
model sees. These tasks are public now: do not judge a model by them. What is checked of an answer
by running it does not show here."""
Row = Mapping[str, Any]


def chosen(rows: Sequence[Row]) -> list[Row]:
    """Return five of a category's rows: one of each stratum, then kinds that are not there yet.

    Those of the target that comes first in the rows go before others.
    """
    targets = list(dict.fromkeys(row["target"] for row in rows))
    drawn = shuffled(list(rows), "specimens", key=lambda row: row["task_id"])
    # Short prompts are read, long ones skipped.
    drawn.sort(key=lambda row: (targets.index(row["target"]), len(row["prompt"])))
    found: list[Row] = []
    for stratum in STRATA:
        found += [row for row in drawn if row["stratum"] == stratum][:1]
    rest = [row for row in drawn if row not in found]
    kinds = {row["kind"] for row in found}
    rest.sort(key=lambda row: row["kind"] in kinds)
    found += rest[: PER_CATEGORY - len(found)]
    return sorted(found, key=lambda row: STRATA.index(row["stratum"]))


def page(folders: Sequence[Path]) -> str:
    """Return the page for the tables of targets, one in each folder."""
    counted = {folder.name: _rows(folder) for folder in folders}
    rows = [row for some in counted.values() for row in some]
    picked = {
        category: chosen([row for row in rows if row["category"] == category])
        for category in sorted({row["category"] for row in rows})
    }
    shown = {row["target"] for some in picked.values() for row in some}
    made_from = " and ".join(
        f"{name} ({len(some)} tasks)" for name, some in counted.items() if name in shown
    )
    parts = ["# Sample tasks", INTRODUCTION.format(made_from=made_from)]
    for category, some in picked.items():
        parts += [f"## {category}", "\n".join(_table(some)), *(_whole(row) for row in some)]
    return "\n\n".join(parts) + "\n"


def _rows(folder: Path) -> list[dict[str, Any]]:
    keys = {row["task_id"]: row for row in read_table(folder / "keys.parquet", KEYS)}
    tasks = read_table(folder / "tasks.parquet", TASKS)
    return [{**keys[row["task_id"]], **row} for row in tasks]


def _table(rows: Iterable[Row]) -> list[str]:
    found = [
        "| stratum | unit | kind | made by | right lines | proven by | prompt |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines = ", ".join(map(str, row["accepted_lines"])) or "none"
        operator = row["operator"] or "none"
        found.append(
            f"| {row['stratum']} | `{row['qualname']}` | {row['kind']} | {operator} "
            f"| {lines} | {_proof(row)} | {len(row['prompt']):,} characters |"
        )
    return found


def _proof(row: Row) -> str:
    """Return in words what an oracle kills, or, of an audit, how many payloads tell its twins."""
    fired = json.loads(row["proof_json"]).get("payloads_fired")
    if fired is None:
        return f"{row['oracle_killed']} of {row['oracle_sampled']} mutants killed"
    return f"payloads: {fired} take effect in the weak twin, none in the clean one"


def _whole(row: Row) -> str:
    prompt = row["prompt"]
    if len(prompt) > HEAD + TAIL:
        left = len(prompt) - HEAD - TAIL
        prompt = (
            f"{prompt[:HEAD]}\n\n[… {left:,} characters are left out here …]\n\n{prompt[-TAIL:]}"
        )
    return "\n\n".join([
        f"### {row['stratum']}: `{row['path']}::{row['qualname']}` ({row['kind']})",
        "<details><summary>prompt</summary>", _fenced(prompt), "</details>",
        "Right answer:", _fenced(row["reference_answer"]),
    ])  # fmt: skip


def _fenced(text: str) -> str:
    """Return a text in a fence that nothing in it closes."""
    return f"~~~~~text\n{text.rstrip()}\n~~~~~"


if __name__ == "__main__":
    print(page([Path(name) for name in sys.argv[1:]]), end="")
