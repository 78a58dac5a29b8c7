"""What a run of a model leaves: responses, telemetry, and the fingerprint in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.core.files import canonical_json, sha256_text, write_json
from assay.core.records import RESPONSES, TELEMETRY
from assay.core.tables import write_table
from assay.engines.base import Answer, Request


@dataclass(frozen=True)
class Outputs:
    """The files of one run. Responses are compared between machines, the others are measured."""

    responses: Path
    telemetry: Path
    fingerprint: Path

    @property
    def log(self) -> Path:
        """Return the engine's own log, beside the telemetry."""
        return self.telemetry.with_name("engine.log")


def fingerprint_id(fingerprint: Mapping[str, Any]) -> str:
    """Return the id that stands in every row: 16 hex digits over the canonical JSON."""
    return sha256_text(canonical_json(fingerprint))[:16]


def write_outputs(
    outputs: Outputs, model: str, asked: Sequence[tuple[Request, Answer]],
    fingerprint: Mapping[str, Any], measured: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write the three files; the responses come last, since they say that the run is done.

    measured: facts of this run; of its `probe`, if there was one, the result is in every row
    """
    identity = fingerprint_id(fingerprint)
    write_table(outputs.telemetry, TELEMETRY, (_telemetry(model, *pair) for pair in asked))
    content = {"id": identity, "model": model, "fingerprint": fingerprint, "measured": measured}
    write_json(outputs.fingerprint, content)
    probe = measured.get("probe")
    same = {"fingerprint": identity, "deterministic": probe["deterministic"] if probe else None}
    rows = ({**_response(model, *pair), **same} for pair in asked)
    write_table(outputs.responses, RESPONSES, rows)


def _response(model: str, request: Request, answer: Answer) -> dict[str, Any]:
    return {
        "model": model, "target": request.target, "task_id": request.task_id,
        "category": request.category, "prompt_sha256": request.prompt_sha256,
        "max_tokens": request.max_tokens,
        "rendered_sha256": answer.rendered_sha256, "response": answer.response,
        "thinking": answer.thinking, "finish_reason": answer.finish_reason,
        "prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens,
        "cached_tokens": answer.cached_tokens, "void": answer.void,
    }  # fmt: skip


def _telemetry(model: str, request: Request, answer: Answer) -> dict[str, Any]:
    # A time of 0 was not measured: a recorded answer has none.
    return {
        "model": model, "target": request.target, "task_id": request.task_id,
        "latency_us": answer.latency_us or None, "ttft_us": answer.ttft_us,
        "prompt_us": answer.prompt_us or None, "decode_us": answer.decode_us or None,
        "from_cache": answer.from_cache,
    }  # fmt: skip
