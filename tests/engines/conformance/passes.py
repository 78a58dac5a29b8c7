"""Does an engine give the same bytes again? Five passes over one set of prompts, and other threads.

    make passes ENGINE=llamacpp [THREADS="2 1 3"] [SET='{"flash_attention": true}']

Runs within the engine's image (`in_image.py`): a cold pass, a warm one, one in another order, one
after a restart, one after a restart in another order; then a cold pass with each other number of
threads. Compared are all that a row of responses.parquet holds but times: text, thinking, rendered
prompt, counts, finish reason, void. Ends with 1 if a pass differs from the cold one, or if a row is
void; what other numbers of threads do is told, and is no failure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

from assay.core import registry  # noqa: E402
from assay.core.files import first_character, write_json  # noqa: E402
from assay.core.records import TASKS  # noqa: E402
from assay.core.settings import read_yaml  # noqa: E402
from assay.core.tables import read_table  # noqa: E402
from assay.engines._answers import Stream, requests_of  # noqa: E402
from assay.engines.base import Answer, Request  # noqa: E402

PUBLISHED = ROOT / "results/published/reference/results/select_tasks/cerberus/tasks.parquet"
SAME = ("response", "thinking", "rendered_sha256", "finish_reason", "prompt_tokens",
        "completion_tokens", "cached_tokens", "void")  # fmt: skip
PASSES = ("cold", "warm", "reordered", "restarted", "restarted and reordered")


class Opened:
    """An engine, and the requests that each pass asks of it."""

    def __init__(self, engine: Any, requests: Sequence[Request]) -> None:
        self.stream, self.requests = Stream(engine), requests

    def go(self, name: str) -> tuple[list[Answer], dict[str, Any]]:
        """Return the answers of a pass in the order of the requests, and its figures."""
        began = time.monotonic()
        if "restarted" in name:
            self.stream.fresh()
        order = list(reversed(self.requests)) if "reordered" in name else self.requests
        found = {request.task_id: self.stream.ask(request) for request in order}
        answers = [found[request.task_id] for request in self.requests]
        spent = sum(one.prompt_us + one.decode_us for one in answers)
        return answers, {
            "pass": name, "seconds": round(time.monotonic() - began, 1),
            "prompt_tokens": sum(one.prompt_tokens for one in answers),
            "completion_tokens": sum(one.completion_tokens for one in answers),
            "engine_seconds": round(spent / 1e6, 1),
            "void": sorted({one.void for one in answers if one.void}),
        }  # fmt: skip


@contextmanager
def opened(
    described: Mapping[str, Any], weights: Path, requests: Sequence[Request]
) -> Iterator[Opened]:
    """Start the engine of a model file."""
    plugin = registry.load("engines", described["engine"])
    settings = {"model": "m", "seed": 1, "parameters": described["parameters"]}
    log = Path(os.environ["TMPDIR"], "engine.log")
    with log.open("ab") as stream, plugin.open_engine(settings, weights, stream) as engine:
        yield Opened(engine, requests)


def compared(first: Sequence[Answer], again: Sequence[Answer]) -> dict[str, Any]:
    """Return how many answers are equal, and the first character at which each other one parts."""
    parts = [
        first_character(one.response, other.response)
        for one, other in zip(first, again, strict=True)
        if any(getattr(one, name) != getattr(other, name) for name in SAME)
    ]
    return {"equal": len(first) - len(parts), "of": len(first), "parts_at": parts}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="model file")
    parser.add_argument("--prompts", type=int, default=8, help="of the published tasks")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--threads", default="2 1 3", help="the first for all passes")
    parser.add_argument("--set", default="{}", help="JSON: parameters in place of the file's")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    given = parser.parse_args()
    described, weights = read_yaml(given.model), Path(os.environ["ASSAY_ENGINE_WEIGHTS"])
    described["parameters"] |= json.loads(given.set)
    every = requests_of(read_table(PUBLISHED, TASKS))[: given.prompts]
    requests = [replace(one, max_tokens=given.max_tokens) for one in every]
    rows, first = [], []
    for number, threads in enumerate(map(int, given.threads.split())):
        described["parameters"] |= {"threads": threads}
        with opened(described, weights, requests) as engine:
            for name in PASSES if not number else PASSES[:1]:
                answers, figures = engine.go(name)
                first = first or answers
                rows.append({"threads": threads, **figures, **compared(first, answers)})
                row = rows[-1]
                print(
                    f"{threads} threads, {name}: {row['equal']} of {row['of']} equal, "
                    f"{row['seconds']} s{''.join(f'; void: {why}' for why in row['void'])}",
                    flush=True,
                )
    write_json(given.output, {"parameters": described["parameters"], "passes": rows})
    voided = any(row["void"] for row in rows)
    return int(voided or any(row["equal"] < row["of"] for row in rows[: len(PASSES)]))


if __name__ == "__main__":
    sys.exit(main())
