"""The tables of the page, as heads and rows of short texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from assay.reporting.inputs import Inputs

Grid = dict[str, Any]
Standing = Mapping[str, Any]
STRATA = ("trivial", "standard", "hard", "adversarial")  # easiest first
FORM = ("follows_format", "parses", "annotated")


def grid(head: Sequence[str], rows: Iterable[tuple[Sequence[Any], bool]], **more: Any) -> Grid:
    """Return a table: its head, and rows as (cells, whether drawn in grey)."""
    return {
        "head": head, "text": False,
        "rows": [{"cells": [text(cell) for cell in cells], "quiet": quiet}
                 for cells, quiet in rows], **more,
    }  # fmt: skip


def text(value: Any) -> str:
    """Return a cell's text; a dash for nothing."""
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)  # noqa: RUF001 - a dash


def percent(share: float | None) -> str | None:
    """Return a share as "43.2 %"."""
    return None if share is None else f"{100 * share:.1f} %"


def interval(standing: Standing) -> str | None:
    """Return a Wilson interval as a range of percents."""
    ends = standing["interval"]
    return f"{100 * ends[0]:.1f}–{100 * ends[1]:.1f} %" if ends else None  # noqa: RUF001 - a range


def share(standing: Standing) -> str | None:
    """Return "12/20 (60.0 %)", or None if nothing was measured."""
    if not standing["total"]:
        return None
    return f"{standing['passed']}/{standing['total']} ({percent(standing['rate'])})"


def models(inputs: Inputs) -> Grid:
    """Return one row a model: what it reached, and what was not measured."""
    head = ["model", "passed", "rate", "95 % interval", "outside controls", "controls",
            "unreadable", "void", "cut by length"]  # fmt: skip

    def cells(name: str, it: Standing) -> list[Any]:
        apart = [f"{it[part]['passed']}/{it[part]['total']}"
                 for part in ("outside_controls", "controls")]  # fmt: skip
        return [name, f"{it['passed']}/{it['total']}", percent(it["rate"]), interval(it), *apart,
                it["unreadable"], it["void"], it["finished_by_length"]]  # fmt: skip

    return _each(inputs, head, cells)


def groups(inputs: Inputs, column: str) -> Grid:
    """Return one row a model and one column a category, stratum or target."""
    names = group_names(inputs, column)

    def cells(name: str, it: Standing) -> list[Any]:
        known = it[f"by_{column}"]
        pairs = [known.get(group) for group in names]
        return [name, *(f"{share(one)}, {interval(one)}" if one and one["total"] else None
                        for one in pairs)]  # fmt: skip

    words = [name.replace("_", " ") for name in names] if column == "category" else names
    return _each(inputs, ["model", *words], cells)


def group_names(inputs: Inputs, column: str) -> list[str]:
    """Return the categories, strata (easiest first) or targets that any model was asked."""
    found = {name for it in inputs.summary["models"].values() for name in it[f"by_{column}"]}
    return sorted(found, key=_place)


def audit(inputs: Inputs) -> Grid:
    """Return each model's figures as a detector of weaknesses."""
    head = ["model", "vulnerable", "clean", "balanced accuracy", "precision", "recall",
            "right kind", "right line"]  # fmt: skip
    found = _each(inputs, head, lambda name, it: [
        name, it["audit"]["positives"], it["audit"]["negatives"],
        *(percent(it["audit"][figure])
          for figure in ("balanced_accuracy", "precision", "recall", "identification",
                         "localisation")),
    ] if it["audit"] else [])  # fmt: skip
    return {**found, "rows": [row for row in found["rows"] if row["cells"]]}


def evidence(inputs: Inputs) -> Grid:
    """Return how many of the witnesses and exploits that were asked for hold."""
    head = ["model", "witnesses that hold", "95 % interval", "exploits that work",
            "95 % interval", "exploits given"]  # fmt: skip

    def cells(name: str, it: Standing) -> list[Any]:
        kinds = [it["evidence"][kind] for kind in ("witness", "exploit")]
        if not any(one["total"] for one in kinds):
            return []
        pairs = [cell for one in kinds for cell in (share(one), interval(one))]
        return [name, *pairs, kinds[1]["given"] if kinds[1]["total"] else None]

    found = _each(inputs, head, cells)
    return {**found, "rows": [row for row in found["rows"] if row["cells"]]}


def invented(inputs: Inputs) -> Grid:
    """Return of how many answers with code some name is invented, and how many names of a kind."""
    kinds = ("package", "module", "attribute", "keyword", "member")
    head = ["model", "answers with code", "with invented names", "rate", "95 % interval", *kinds]

    def cells(name: str, it: Standing) -> list[Any]:
        found = it["hallucinations"]
        return [name, found["answers"], found["with_inventions"], percent(found["rate"]),
                interval(found), *(found["by_kind"].get(kind, 0) for kind in kinds)]  # fmt: skip

    known = _each(inputs, head, lambda name, it: (
        cells(name, it) if it["hallucinations"]["answers"] else []
    ))  # fmt: skip
    return {**known, "rows": [row for row in known["rows"] if row["cells"]]}


def form(inputs: Inputs) -> Grid:
    """Return how many answers follow the format, parse and are annotated, and what failed."""
    outcomes = sorted({row["outcome"] for row in inputs.rows["verdicts"]} - {"ran", "not_run"})
    head = ["model", "follows the format", "parses", "annotated", "median length", *outcomes]

    def cells(name: str, _: Standing) -> list[Any]:
        verdicts = inputs.of_model("verdicts", name)
        facts = [json.loads(row["description_json"]) for row in verdicts
                 if row["status"] != "void"]  # fmt: skip
        lengths = sorted(fact["length"] for fact in facts)
        return [name, *(_count(facts, what) for what in FORM),
                lengths[len(lengths) // 2] if lengths else None,
                *(_of(verdicts, kind) for kind in outcomes)]  # fmt: skip

    return _each(inputs, head, cells)


def tasks(inputs: Inputs) -> Grid:
    """Return what each target, category and stratum yields, and how many tasks are controls."""
    made = inputs.rows["tasks"]
    controls = {(row["target"], row["task_id"]) for row in inputs.rows["keys"] if row["is_control"]}
    strata = sorted({row["stratum"] for row in made}, key=_place)
    head = ["target", "category", "tasks", *strata, "of these, controls"]
    rows = []
    for target, category in sorted({(row["target"], row["category"]) for row in made}):
        mine = [row for row in made if (row["target"], row["category"]) == (target, category)]
        spread = [sum(row["stratum"] == stratum for row in mine) or None for stratum in strata]
        empty = sum((row["target"], row["task_id"]) in controls for row in mine)
        rows.append(([target, category.replace("_", " "), len(mine), *spread, empty], False))
    return grid(head, rows)


def _place(name: str) -> tuple[int, str]:
    return (STRATA.index(name) if name in STRATA else len(STRATA), name)


def _of(verdicts: Sequence[Mapping[str, Any]], outcome: str) -> int:
    return sum(row["outcome"] == outcome for row in verdicts)


def _count(facts: Sequence[Mapping[str, Any]], name: str) -> str | None:
    known = [fact[name] for fact in facts if fact[name] is not None]
    return f"{sum(known)}/{len(known)}" if known else None


def _each(
    inputs: Inputs, head: Sequence[str], cells: Callable[[str, Standing], Sequence[Any]]
) -> Grid:
    known = inputs.summary["models"]
    return grid(head, [(cells(name, known[name]), name in inputs.references)
                       for name in inputs.models])  # fmt: skip
