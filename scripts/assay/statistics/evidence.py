"""Evidence beside the verdict: witnesses and exploits, of the tasks that ask for one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.statistics.intervals import rate

Row = Mapping[str, Any]
Task = tuple[str, str]
CHECKS = {"witness": "witnessed", "exploit": "exploited"}  # field of the key -> name of the check


def asked(keys: Iterable[Row]) -> dict[str, set[Task]]:
    """Return the tasks that ask for each kind of evidence and have some: no controls."""
    found: dict[str, set[Task]] = {kind: set() for kind in CHECKS}
    for row in keys:
        key = {} if row["is_control"] else json.loads(row["key_json"])
        for kind in CHECKS:
            if kind in key:
                found[kind].add((row["target"], row["task_id"]))
    return found


def evidence(verdicts: Sequence[Row], wanted: Mapping[str, set[Task]]) -> dict[str, Any]:
    """Return, by kind, how much of the evidence asked for holds (`passed` of `total`).

    wanted: what `asked` returned. An answer without evidence, or that can't be read, is in the
    total; a void one is not. `given`: exploits that were given; witnesses don't say that.
    """
    measured = [row for row in verdicts if row["status"] != "void"]
    found = {}
    for kind, check in CHECKS.items():
        mine = [row for row in measured if (row["target"], row["task_id"]) in wanted[kind]]
        seen = [json.loads(row["checks_json"]).get(check) for row in mine]
        given = sum(one is not None for one in seen) if kind == "exploit" else None
        found[kind] = {**rate(sum(one is True for one in seen), len(mine)), "given": given}
    return found
