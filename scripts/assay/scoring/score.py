"""Scores all answers of one model to the tasks of one target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from assay.categories.base import NOT_RUN, VOID, Extraction, Judgement, Options
from assay.core import registry
from assay.core.errors import HarnessError
from assay.core.execution import Bench
from assay.core.files import canonical_json
from assay.core.progress import track
from assay.sandbox.level import DEFAULT as LAYERS
from assay.scoring.describe import describe, plain, taken
from assay.scoring.verdict import judge_answer

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One answer with all that is needed to judge it: rows of tasks, keys and responses."""

    task: Row
    key: Row
    response: Row


@dataclass(frozen=True)
class Scored:
    """A row of the verdicts table, and whether its run came near a limit."""

    row: dict[str, Any]
    near_limit: bool


def paired(
    tasks: Iterable[Row], keys: Iterable[Row], responses: Iterable[Row], target: str, model: str
) -> list[Item]:
    """Return one item for every task of a target, sorted by task.

    Raises HarnessError for a task without key or response, or a response to another prompt: no
    answer is ever dropped.
    """
    key_of = {row["task_id"]: row for row in keys if row["target"] == target}
    answers = [row for row in responses if row["target"] == target and row["model"] == model]
    answer_of = {row["task_id"]: row for row in answers}
    items = []
    for task in sorted((row for row in tasks if row["target"] == target), key=_task_id):
        name = task["task_id"]
        for kind, found in (("key", key_of), ("response", answer_of)):
            if name not in found:
                raise HarnessError(f"{target}, {model}: task {name} has no {kind}")
        if answer_of[name]["prompt_sha256"] != task["prompt_sha256"]:
            raise HarnessError(f"{target}, {model}: task {name} was answered to another prompt")
        items.append(Item(task, key_of[name], answer_of[name]))
    return items


def score(
    items: Sequence[Item], benches: Sequence[Bench], options: Options,
    layers: Sequence[str] = LAYERS,
) -> list[Scored]:  # fmt: skip
    """Score the items, shared out among the benches; the result does not depend on their number.

    layers: of the sandbox, those that were asked for and are known to work; for the record
    """
    modules = {
        name: registry.load("categories", name)
        for name in sorted({item.task["category"] for item in items})
    }
    parts = [items[index :: len(benches)] for index in range(len(benches))]
    labels = [
        "score_answers" if len(benches) == 1 else f"worker {i + 1}" for i in range(len(parts))
    ]

    def work(part: Sequence[Item], bench: Bench, label: str) -> list[Scored]:
        return [
            score_one(item, modules[item.task["category"]], bench, options, layers)
            for item in track(part, label)
        ]

    with ThreadPoolExecutor(max_workers=len(benches)) as pool:
        done = [scored for part in pool.map(work, parts, benches, labels) for scored in part]
    return sorted(done, key=lambda scored: str(scored.row["task_id"]))


def score_one(
    item: Item, category: ModuleType, bench: Bench, options: Options,
    layers: Sequence[str] = LAYERS,
) -> Scored:  # fmt: skip
    """Judge one answer; a void response is never run."""
    answer = item.response["response"] or ""
    void = _void(item.response)
    if void:
        judgement, extraction = Judgement(VOID, NOT_RUN, void), Extraction(rule="not read")
    else:
        judgement, extraction = judge_answer(answer, category, item.key, bench, options)
    facts = describe(answer, extraction, category.FORMAT)
    row = _row(item, judgement, extraction, facts)
    return Scored(row | {"layers": " ".join(sorted(layers))}, judgement.near_limit)


def _void(response: Row) -> str | None:
    if response["void"] is not None:
        return str(response["void"])
    return "the engine reported an error" if response["finish_reason"] == "error" else None


def _row(
    item: Item, judgement: Judgement, extraction: Extraction, facts: Mapping[str, Any]
) -> dict[str, Any]:
    key, response = item.key, item.response
    return {
        **{name: response[name] for name in ("model", "target", "task_id", "category")},
        **{name: key[name] for name in ("stratum", "kind", "is_control")},
        "status": judgement.status,
        "outcome": judgement.outcome,
        "reason": plain(judgement.reason),
        "extraction": taken(extraction),
        "checks_json": canonical_json(dict(judgement.checks)),
        "description_json": canonical_json(facts),
        "finish_reason": response["finish_reason"],
        "fingerprint": response["fingerprint"],
    }


def _task_id(row: Row) -> str:
    return str(row["task_id"])
