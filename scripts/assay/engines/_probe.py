"""The probe before a run: does an engine repeat itself, and does it keep what it was asked?

A few fixed prompts are answered cold, warm (again by the same server), in another order and after a
restart. Texts and token counts must be equal, else every row of the run is marked. Then the engine
is started anew, so that the run begins cold: the probe is the warm-up that is not counted.

A repeated prompt must not be answered faster either (MLPerf Inference, compliance test TEST04):
that would be a cache. Times wobble, so this is a notice and no verdict.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.core.files import first_character, sha256_text
from assay.core.progress import say
from assay.engines._answers import ENGINE_ERROR, Stream
from assay.engines.base import Answer, Request

PASSES = ("cold", "warm", "reordered", "restarted")
FIRST, REPEATED = ("cold", "restarted"), ("warm", "reordered")
# A loaded server's first answer also reads the weights from the disk, so the speed of the first
# prompt says nothing. The last one is long, so that a kept prompt would show in the time.
LONG = """Here is a function of a small library.

def split_header(line):
    name, found, value = line.partition(":")
    if not found or not name.strip():
        raise ValueError(f"no header: {line!r}")
    parts = [part.strip() for part in value.split(",")]
    return name.strip().lower(), [part for part in parts if part]

What does it return for the line 'Accept: text/html, , text/plain'?"""
PROMPTS = {
    "count": ("Count from one to five in words.", 12),
    "clamp": ("Write a Python function `clamp(value, low, high)`. Answer with code only.", 24),
    "read": (LONG, 24),
}
COMPARED = (
    "rendered_sha256", "prompt_tokens", "thinking", "response", "completion_tokens",
    "finish_reason",
)  # fmt: skip
SHOWN = 24  # characters of an answer that the record shows
# A kept prompt or answer costs next to nothing; less than this is noise: on a busy machine
# (SmolLM2, no cache, two cores, a load of nine) repetitions took 1.8 times less by chance alone.
TIMES_FASTER, LEAST_US = 3, 5000

Answers = Mapping[str, Sequence[Answer]]


def probe(stream: Stream) -> dict[str, Any]:
    """Return the record of the probe (plain JSON) and leave the engine freshly started.

    {"deterministic" (None: no prompt fits), "passes", "prompts", "compared" (repeated answers),
     "different" (of these), "first_difference" (None, or what differs where), "cached_tokens",
     "faster" (which times fell: "ttft_us", "latency_us"), "times" (name -> pass -> sum in us,
     without the first prompt), "duration_us" (restarts included)}
    """
    began = time.monotonic_ns()
    requests = probe_requests()
    answers = {name: _pass(stream, name, requests) for name in PASSES}
    stream.fresh()
    duration = (time.monotonic_ns() - began) // 1000
    pairs = list(_pairs(answers))
    different = [found for pair in pairs if (found := _difference(*pair))]
    times = _times(answers)
    record = {
        "deterministic": not different if pairs else None, "different": len(different),
        "passes": list(PASSES), "prompts": list(PROMPTS), "compared": len(pairs),
        "first_difference": different[0] if different else None,
        "cached_tokens": sum(one.cached_tokens for found in answers.values() for one in found),
        "faster": [name for name, by_pass in times.items() if _faster(by_pass)],
        "times": times, "duration_us": duration,
    }  # fmt: skip
    _tell(record)
    return record


def probe_requests() -> list[Request]:
    """Return the requests of the probe, which are no tasks."""
    return [
        Request("", f"probe-{name}", "probe", prompt, sha256_text(prompt), most)
        for name, (prompt, most) in PROMPTS.items()
    ]


def difference_words(record: Mapping[str, Any]) -> str:
    """Say in words how many answers of a probe differ, and the first one."""
    first = record["first_difference"]
    place = "" if first["character"] is None else f", from character {first['character']} on"
    return (
        f"{record['different']} of {record['compared']} repeated answers differ from the cold "
        f"ones; the first is {first['pass']}, prompt `{first['prompt']}`: {first['field']}{place}"
    )


def _pass(stream: Stream, name: str, requests: Sequence[Request]) -> list[Answer]:
    """Return the answers in the order of the requests, whatever order they are asked in."""
    if name == "restarted":
        stream.fresh()
    order = requests[::-1] if name == "reordered" else requests
    found = {request.task_id: stream.ask(request) for request in order}
    return [found[request.task_id] for request in requests]


def _pairs(answers: Answers) -> Iterator[tuple[str, str, Answer, Answer]]:
    """Yield (pass, prompt, cold answer, repeated one), but for prompts that were not answered."""
    cold = answers[PASSES[0]]
    for name in PASSES[1:]:
        for prompt, was, now in zip(PROMPTS, cold, answers[name], strict=True):
            refused = {was.void, now.void} - {None, ENGINE_ERROR}
            if not refused or was.completion_tokens or now.completion_tokens:
                yield name, prompt, was, now


def _difference(name: str, prompt: str, was: Answer, now: Answer) -> dict[str, Any] | None:
    # Where the engine was lost, nothing is shown to be equal.
    if ENGINE_ERROR in (was.void, now.void):
        field = "void"
    else:
        unlike = (name for name in COMPARED if getattr(was, name) != getattr(now, name))
        field = next(unlike, "")
    if not field:
        return None
    shown = _shown(getattr(was, field), getattr(now, field))
    return {"pass": name, "prompt": prompt, "field": field, **shown}


def _shown(was: Any, now: Any) -> dict[str, Any]:
    if not (isinstance(was, str) and isinstance(now, str)):
        return {"character": None, "cold": was, "here": now}
    place = first_character(was, now)
    ends = slice(place, place + SHOWN)
    return {"character": place, "cold": was[ends], "here": now[ends]}


def _times(answers: Answers) -> dict[str, dict[str, int]]:
    return {
        name: {
            which: sum(getattr(answer, name) or 0 for answer in found[1:])
            for which, found in answers.items()
        }
        for name in ("ttft_us", "latency_us")
    }


def _faster(by_pass: Mapping[str, int]) -> bool:
    """Tell whether even the slowest repetition was far faster than the fastest first time."""
    first = min(by_pass[name] for name in FIRST)
    repeated = max(by_pass[name] for name in REPEATED)
    known = min(by_pass.values()) > 0
    return known and TIMES_FASTER * repeated < first and first - repeated >= LEAST_US


def _tell(record: Mapping[str, Any]) -> None:
    seconds = record["duration_us"] / 1e6
    result = difference_words(record) if record["different"] else "equal"
    say(f"probe: {record['compared']} repeated answers in {seconds:.1f} s: {result}")
    if record["faster"] or record["cached_tokens"]:
        say("probe: repeated prompts are answered faster, or from cached tokens: there is a cache")
