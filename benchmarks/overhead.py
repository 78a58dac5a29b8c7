"""What the harness adds to the engine's own time: Assay's stream beside promptfoo's, in one run.

Run as `python benchmarks/overhead.py` (`make overhead`; it needs npm). One llama.cpp server with
SmolLM2, the prompts of the published tasks, greedy, one request at a time and no cache; the two
take turns, round by round, and must get the same answers. The engine's own time is what its log
says of each request (prompt and decode). Assay's stream renders and counts each prompt, checks each
sampler option, and has each answer safe on the disk before it asks again; promptfoo is given the
same options through the chat endpoint. Its start (the same prompts, answered by its `echo`) is
told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from common import ROOT, machine, write

sys.path.insert(0, str(ROOT / "scripts"))

from assay.core.progress import say
from assay.core.records import TASKS
from assay.core.tables import read_table
from assay.core.weights import place_of
from assay.engines import llamacpp
from assay.engines._answers import Stream, answer_all, requests_of
from assay.engines._journal import open_journal
from assay.engines._weights import fetch
from assay.engines.base import Request
from assay.images.store import cache_root

PUBLISHED = ROOT / "results/published/reference/results/select_tasks/cerberus/tasks.parquet"
MODEL = ROOT / "config/models/smollm2-135m.yaml"
HERE = Path(__file__).parent / "promptfoo"
# Two lines a request: the prompt's and the answer's.
OWN = re.compile(rb"eval time =\s*([\d.]+) ms")
QUIET = {
    "PROMPTFOO_DISABLE_TEMPLATING": "true", "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_DISABLE_REMOTE_GENERATION": "true",
    "OPENAI_API_KEY": "none", "NO_PROXY": "127.0.0.1",
}  # fmt: skip


@dataclass(frozen=True)
class Round:
    """Answers of one round, its wall time in seconds, and the engine's own time in it."""

    answers: tuple[str, ...]
    wall_s: float
    engine_s: float

    @property
    def percent(self) -> float:
        """What was added to the engine's own time."""
        return round(100 * (self.wall_s / self.engine_s - 1), 2)


def asked(count: int, max_tokens: int) -> list[Request]:
    """Return the first requests of the published tasks, with a budget of `max_tokens`."""
    every = requests_of(read_table(PUBLISHED, TASKS))
    return [replace(one, max_tokens=max_tokens) for one in every[:count]]


def installed(scratch: Path) -> Path:
    """Return promptfoo's program, installed by the hashes of its lock."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("error: npm is not here; install Node.js 22 or newer")
    for file in HERE.iterdir():
        shutil.copy(file, scratch)
    say("promptfoo: installing what its lock names")
    options = ("--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
    subprocess.run([npm, "ci", *options], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
    return scratch / "node_modules/promptfoo/dist/src/main.js"


def provider(engine: llamacpp.LlamaCpp, max_tokens: int) -> dict[str, Any]:
    """Return promptfoo's provider: the server's chat endpoint, with Assay's sampler options."""
    stated = {**llamacpp.FIXED, **engine.sampler}
    sent = {name: value for name, value in stated.items() if name not in {"stop", "temperature"}}
    return {
        "id": "openai:chat:model",
        "config": {
            "apiBaseUrl": f"{engine.server.link.address}/v1", "temperature": 0,
            "max_tokens": max_tokens, "passthrough": sent,
        },
    }  # fmt: skip


def promptfoo(program: Path, scratch: Path, given: Any, requests: list[Request]) -> list[str]:
    """Have promptfoo ask one provider all prompts; return the answers in their order."""
    for number, request in enumerate(requests):
        # As messages: a prompt of plain text is stripped before it is sent.
        message = json.dumps([{"role": "user", "content": request.prompt}])
        (scratch / f"{number:03}.json").write_text(message, encoding="utf-8")
    names = [f"file://{number:03}.json" for number in range(len(requests))]
    config = {"prompts": names, "providers": [given]}
    (scratch / "promptfooconfig.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    options = ("-j", "1", "--no-cache", "--no-table", "--no-progress-bar", "--no-write")
    done = subprocess.run(
        ["node", str(program), "eval", *options, "-o", "out.json"], cwd=scratch, check=False,
        env={**os.environ, **QUIET, "PROMPTFOO_CONFIG_DIR": str(scratch / "config")},
        capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads((scratch / "out.json").read_text(encoding="utf-8"))["results"]["results"]
    wrong = [one["error"] for one in found if one.get("error")]
    if done.returncode or wrong or len(found) != len(requests):
        sys.exit(f"error: promptfoo failed: {wrong[:1]} {done.stdout[-500:]} {done.stderr[-500:]}")
    ordered = sorted(found, key=lambda one: one["promptIdx"])
    return [one["response"]["output"] for one in ordered]


def measured(engine: llamacpp.LlamaCpp, ask: Callable[[], list[str]]) -> Round:
    """Run one round; the engine's own time is what its log gained."""
    before, began = len(engine.server.log.since_start()), time.monotonic()
    answers = ask()
    wall = time.monotonic() - began
    times = OWN.findall(engine.server.log.since_start()[before:])
    if len(times) != 2 * len(answers):
        sys.exit(f"error: the log tells {len(times)} times of {len(answers)} answers")
    return Round(tuple(answers), wall, sum(map(float, times)) / 1000)


def stream(engine: llamacpp.LlamaCpp, scratch: Path, requests: list[Request]) -> list[str]:
    """Answer all by Assay's own stream, with a journal that starts empty."""
    file = Path(tempfile.mkdtemp(dir=scratch)) / "journal"
    with open_journal(file) as journal:
        answers = answer_all(Stream(engine), requests, journal, "assay")
    return [answer.response for answer in answers]


def compare(requests: list[Request], rounds: int) -> dict[str, list[Round]]:
    """Return the rounds of both, and promptfoo's with an echo in place of the engine."""
    described = yaml.safe_load(MODEL.read_text(encoding="utf-8"))
    weights = place_of(cache_root(), described["weights"]["sha256"])
    fetch(described["weights"], weights, str(MODEL.relative_to(ROOT)))
    found: dict[str, list[Round]] = {"assay": [], "promptfoo": [], "promptfoo's start": []}
    settings = {"seed": 1, "parameters": described["parameters"]}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        program = installed(scratch)
        log = stack.enter_context((scratch / "engine.log").open("ab"))
        engine = stack.enter_context(llamacpp.open_engine(settings, weights, log))
        stream(engine, scratch, requests[:1])  # not counted
        other = provider(engine, requests[0].max_tokens)
        for _ in range(rounds):
            found["assay"].append(measured(engine, lambda: stream(engine, scratch, requests)))
            took = measured(engine, lambda: promptfoo(program, scratch, other, requests))
            found["promptfoo"].append(took)
            began = time.monotonic()
            promptfoo(program, scratch, "echo", requests)
            found["promptfoo's start"].append(Round((), time.monotonic() - began, 0))
    return found


def main() -> None:
    """Measure and write the figures; another answer than the other's ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=6, help="of the published tasks")
    parser.add_argument("--max-tokens", type=int, default=128, help="of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    bootstrap = [sys.executable, ROOT / "envs/bootstrap.py", "--lock", "engine-llamacpp"]
    made = subprocess.run(
        [*bootstrap, "--no-apptainer"], check=True, capture_output=True, text=True
    )
    # The engine's child runs in the engine's environment, as it does in the engine's image.
    sys.executable = str(Path(made.stdout.strip()) / "bin/python")
    requests = asked(given.prompts, given.max_tokens)
    found = compare(requests, given.rounds)
    texts = sorted({one.answers for name in ("assay", "promptfoo") for one in found[name]})
    if len(texts) != 1:
        first = next(pair for pair in zip(*texts[:2], strict=True) if pair[0] != pair[1])
        sys.exit(f"error: the two did not get the same answers: nothing is compared\n{first}")
    starts = [one.wall_s for one in found["promptfoo's start"]]
    figures: dict[str, Any] = {
        "machine": machine(), "prompts": len(requests), "max_tokens": given.max_tokens,
        "promptfoo_start_s": [round(seconds, 1) for seconds in starts],
    }  # fmt: skip
    for name in ("assay", "promptfoo"):
        figures[name] = {
            "added_percent": [one.percent for one in found[name]],
            "wall_s": [round(one.wall_s, 1) for one in found[name]],
            "engine_s": [round(one.engine_s, 1) for one in found[name]],
        }
    pairs = zip(found["promptfoo"], starts, strict=True)
    figures["promptfoo"]["added_percent_without_start"] = [
        replace(one, wall_s=one.wall_s - start).percent for one, start in pairs
    ]
    write("overhead", figures)


if __name__ == "__main__":
    main()
