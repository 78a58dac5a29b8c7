"""Recorded responses: the answers that a model gave in an earlier run, without the model.

The recording is a `responses.parquet` of a run or a publication. It stands where a model's weights
stand, as `weights` of the model file (`kind: path`, sha256, size, licence), so it is checked,
cached and bundled as they are. An answer is taken for the task and the prompt that it was given to
and for no other; a task without one is void. It is for scoring another machine's answers again,
for examples, and for trying a report on real texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.core.errors import HarnessError, UserError
from assay.engines.base import (
    ERROR,
    FINISH_REASONS,
    LENGTH,
    Answer,
    Given,
    Recorded,
    Request,
    Settings,
)

PARAMETERS: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
EXAMPLES: tuple[dict[str, Any], ...] = ({},)
NEEDS_KEYS = False
REFERENCE = False
NEEDS_WEIGHTS = True
RECORDED = True

Row = Mapping[str, Any]
# Of the table `responses`; what else it holds is made anew. The last one: not in older recordings.
TEXTS = ("model", "target", "task_id", "prompt_sha256", "rendered_sha256", "response",
         "finish_reason", "fingerprint")  # fmt: skip
OPTIONAL_TEXTS = ("thinking", "void")
COUNTS = ("prompt_tokens", "completion_tokens", "cached_tokens")
BUDGET = "max_tokens"


def read_answers(requests: Sequence[Request], settings: Settings, given: Given) -> Recorded:
    """Return the recorded answers of the tasks.

    Raises UserError if the file is no recording of one model under one fingerprint.
    """
    if given.weights is None:
        raise HarnessError("the engine replay was handed no recording")
    where = f"{given.weights} (config/models/{settings['model']}.yaml: weights)"
    rows = _rows(given.weights, where)
    known = _by_task(rows, where)
    answers = [_answer(request, known.get((request.target, request.task_id)))
               for request in requests]  # fmt: skip
    replayed = {"model": rows[0]["model"], "fingerprint": rows[0]["fingerprint"]}
    return Recorded(
        answers, {"recording_sha256": given.weights_sha256, "replayed": replayed},
        {"recorded": len(rows), "taken": sum(answer.void is None for answer in answers)},
    )  # fmt: skip


def _rows(path: Path, where: str) -> list[Row]:
    """Return the rows of a recording, with the columns that are needed."""
    try:
        content = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise _no_recording(where, error) from error
    kinds = {field.name: field.type for field in content.schema}
    wanted = dict.fromkeys((*TEXTS, *OPTIONAL_TEXTS), pa.string())
    wanted |= dict.fromkeys(COUNTS, pa.int64())
    wrong = [name for name, kind in wanted.items() if kinds.get(name) != kind]
    if wrong:
        raise _no_recording(where, f"the column {wrong[0]} is missing, or of another type")
    names = [*wanted, *([BUDGET] if kinds.get(BUDGET) == pa.int64() else [])]
    rows: list[Row] = content.select(names).to_pylist()
    for number, row in enumerate(rows):
        if any(row[name] is None for name in names if name not in OPTIONAL_TEXTS):
            raise _no_recording(where, f"a value is missing in row {number}")
        if row["finish_reason"] not in FINISH_REASONS:
            raise _no_recording(where, f"finish_reason {row['finish_reason']!r} in row {number}")
    return rows


def _by_task(rows: Sequence[Row], where: str) -> dict[tuple[str, str], Row]:
    """Return the rows by target and task; raise UserError if answers of several sources mix."""
    sources = sorted({(row["model"], row["fingerprint"]) for row in rows})
    if len(sources) != 1:
        raise _no_recording(where, f"answers of {len(sources)} models and fingerprints")
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        identity = (row["target"], row["task_id"])
        if identity in found:
            raise _no_recording(where, f"two answers to {'/'.join(identity)}")
        found[identity] = row
    return found


def _answer(request: Request, row: Row | None) -> Answer:
    if row is None:
        return _void("the recording has no answer to this task")
    if row["prompt_sha256"] != request.prompt_sha256:
        return _void(
            f"recorded for another prompt: sha256 {row['prompt_sha256'][:12]}…, "
            f"this task's is {request.prompt_sha256[:12]}…"
        )
    if budget := _other_budget(request, row):
        return _void(f"recorded {budget}, this task's is {request.max_tokens}")
    names = ("response", "rendered_sha256", "thinking", "finish_reason", "void", *COUNTS)
    return Answer(**{name: row[name] for name in names})


def _other_budget(request: Request, row: Row) -> str | None:
    """Say under which other budget an answer was given, as far as the recording tells.

    Without a column for it: an answer cut short before this budget, or one that is longer.
    """
    if BUDGET in row:
        recorded = row[BUDGET]
        return None if recorded == request.max_tokens else f"under a budget of {recorded} tokens"
    made = row["completion_tokens"]
    cut = row["finish_reason"] == LENGTH and 0 < made < request.max_tokens
    longer = row["thinking"] is None and made > request.max_tokens
    return f"under another budget: {made} tokens" if cut or longer else None


def _void(why: str) -> Answer:
    return Answer("", "", finish_reason=ERROR, void=why)


def _no_recording(where: str, given: object) -> UserError:
    return UserError(
        "the file is no recording of a model's answers", where=where, given=given,
        expected="responses.parquet of one model, from a run or a publication",
        hint="name such a file, with its sha256 and size, as `weights` of the model file",
    )  # fmt: skip
