"""The summary that scripts read: what the tasks are, and what each model reached.

`total` counts measured answers: an unreadable answer is among them and failed, a void one is no
measurement and stands in `void` alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from assay.statistics.audit import Detections, detector
from assay.statistics.comparable import incomparable
from assay.statistics.evidence import asked, evidence
from assay.statistics.intervals import rate
from assay.statistics.tells import tells

Row = Mapping[str, Any]
AUDIT = "security_audit"
GROUPS = ("target", "category", "stratum")


def summary(run: str, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Return the summary of a run.

    rows: table name -> rows, of tasks, keys, rejected, responses, verdicts and hallucinations
    """
    targets = _values(rows["tasks"], "target") + _values(rows["rejected"], "target")
    models = _values(rows["responses"], "model")
    return {
        "run": run,
        "targets": {name: _target(name, rows) for name in sorted(set(targets))},
        "models": {name: _model(name, rows) for name in models},
        "tells": tells(rows["tasks"], rows["keys"]),
        "incomparable": incomparable(rows["responses"]),
    }


def standing(verdicts: Sequence[Row]) -> dict[str, Any]:
    """Return passed, total, rate, interval, void, unreadable of some verdicts."""
    measured = [row for row in verdicts if row["status"] != "void"]
    passed = sum(row["status"] == "passed" for row in measured)
    return {
        **rate(passed, len(measured)),
        "void": len(verdicts) - len(measured),
        "unreadable": sum(row["status"] == "unreadable" for row in measured),
    }


def grouped(
    rows: Iterable[Row], column: str, value: Callable[[Sequence[Row]], Any]
) -> dict[str, Any]:
    """Return `value` of the rows of each value of a column, in sorted order."""
    known = list(rows)
    return {
        name: value([row for row in known if row[column] == name])
        for name in _values(known, column)
    }


def audit_figures(verdicts: Iterable[Row]) -> dict[str, Any] | None:
    """Return the detector's figures of the measured audit verdicts, or None without any.

    A unit is accused by any finding of a listed kind; a clean one is cleared if that is not so.
    """
    known = [row for row in verdicts if row["category"] == AUDIT and row["status"] != "void"]
    if not known:
        return None
    positives = [_checks(row) for row in known if row["kind"] == "vulnerable"]
    negatives = [row for row in known if row["kind"] != "vulnerable"]
    reported = [checks for checks in positives if checks.get("accused", False)]
    seen = Detections(
        reported=len(reported), positives=len(positives),
        named=sum(checks.get("detected", False) for checks in reported),
        cleared=sum(row["status"] == "passed" for row in negatives),
        accused=sum(row["status"] == "failed" for row in negatives),
        negatives=len(negatives),
        located=sum(checks.get("localised", False) for checks in reported),
    )  # fmt: skip
    return detector(seen)


def inventions(rows: Iterable[Row]) -> dict[str, Any]:
    """Return how many answers with code there are, and how many invent a name.

    rows: of the table `hallucinations`; `by_kind` counts names: an answer may have several
    """
    known = list(rows)
    checked = {(row["target"], row["task_id"]) for row in known}
    invented = [row for row in known if row["kind"]]
    with_some = {(row["target"], row["task_id"]) for row in invented}
    found = rate(len(with_some), len(checked))
    return {
        "answers": found["total"], "with_inventions": found["passed"], "rate": found["rate"],
        "interval": found["interval"], "by_kind": grouped(invented, "kind", len),
    }  # fmt: skip


def _target(name: str, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    tasks = [row for row in rows["tasks"] if row["target"] == name]
    keys = [row for row in rows["keys"] if row["target"] == name]
    rejected = [row for row in rows["rejected"] if row["target"] == name]
    return {
        "tasks": {
            "total": len(tasks),
            "controls": sum(row["is_control"] for row in keys),
            "by_category": grouped(tasks, "category", len),
            "by_stratum": grouped(tasks, "stratum", len),
            "by_kind": grouped(keys, "kind", len),
        },
        "tells": tells(tasks, keys),
        "rejected": {"total": len(rejected), "by_gate": grouped(rejected, "gate", len)},
    }


def _model(name: str, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    verdicts = [row for row in rows["verdicts"] if row["model"] == name]
    responses = [row for row in rows["responses"] if row["model"] == name]
    groups = {f"by_{column}": grouped(verdicts, column, standing) for column in GROUPS}
    return {
        **standing(verdicts),
        **groups,
        "by_kind": grouped(verdicts, "kind", standing),
        "controls": standing([row for row in verdicts if row["is_control"]]),
        "outside_controls": standing([row for row in verdicts if not row["is_control"]]),
        "audit": audit_figures(verdicts),
        "evidence": evidence(verdicts, asked(rows["keys"])),
        "hallucinations": inventions(
            [row for row in rows.get("hallucinations", ()) if row["model"] == name]
        ),
        "finished_by_length": sum(row["finish_reason"] == "length" for row in responses),
        "prompt_tokens": _total(responses, "prompt_tokens"),
        "completion_tokens": _total(responses, "completion_tokens"),
        "fingerprints": _values(responses, "fingerprint"),
        "deterministic": _every(row["deterministic"] for row in responses),
    }


def _every(marks: Iterable[bool | None]) -> bool | None:
    """Return whether all marks are set; None where nothing was marked."""
    known = [mark for mark in marks if mark is not None]
    return all(known) if known else None


def _checks(row: Row) -> dict[str, bool]:
    checks: dict[str, bool] = json.loads(row["checks_json"])
    return checks


def _total(rows: Iterable[Row], column: str) -> int:
    return sum(row[column] or 0 for row in rows)


def _values(rows: Iterable[Row], column: str) -> list[str]:
    return sorted({row[column] for row in rows if row[column] is not None})
