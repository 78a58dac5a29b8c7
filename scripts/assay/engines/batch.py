"""A commercial baseline that runs outside the closed network: an OpenAI batch, by hand.

The requests are written as the Batch API's input file (step `write_batch`); a person carries it
out, has it run, and puts the output file (and the error file) into the folder that the error of the
step `run_model` names. Every answer has to bring back the digests of its task, prompt and request.
No key is asked for or kept: nothing here speaks to a network. What the provider does with a request
(template, cache, version) is out of sight: such a model is a baseline, no reproducible measurement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.core.errors import HarnessError, UserError
from assay.engines._batch_answers import Used, answer_of
from assay.engines._batch_requests import URL, custom_id, index, lines
from assay.engines._batch_results import ERRORS, OUTPUT, read_results
from assay.engines.base import Given, Outgoing, Recorded, Request, Settings

VOID, ACCEPT = "void", "accept"
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model", "budget", "sampler"],
    "properties": {
        "model": {"type": "string", "minLength": 1, "description": "the provider's name of it"},
        "budget": {
            "enum": ["max_tokens", "max_completion_tokens"],
            "description": "the option that holds a task's budget; the second for new models",
        },
        "thinking_tokens": {
            "type": "integer", "minimum": 0, "default": 0,
            "description": "added to each budget, for a model whose thinking counts in it",
        },
        "seed": {"type": "boolean", "default": True, "description": "send the run's seed"},
        "provider_cache": {
            "enum": [VOID, ACCEPT], "default": VOID,
            "description": "what an answer is worth if the provider had cached part of its prompt",
        },
        "sampler": {
            "type": "object", "additionalProperties": False,
            "description": "options that are sent, as they are; some models refuse some of them",
            "properties": {
                "temperature": {"type": "number", "minimum": 0, "maximum": 2},
                "top_p": {"type": "number", "minimum": 0, "maximum": 1},
                "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2},
                "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2},
                "reasoning_effort": {"type": "string", "minLength": 1},
            },
        },
    },
}  # fmt: skip
EXAMPLES: tuple[dict[str, Any], ...] = (
    {"model": "a-model", "budget": "max_tokens", "sampler": {"temperature": 0, "top_p": 1}},
    {
        "model": "a-thinking-model", "budget": "max_completion_tokens", "thinking_tokens": 8192,
        "seed": False, "provider_cache": ACCEPT, "sampler": {"reasoning_effort": "low"},
    },
)  # fmt: skip
NEEDS_KEYS = False
REFERENCE = False
NEEDS_WEIGHTS = False
RECORDED = True
BROUGHT_IN = (OUTPUT, ERRORS)


def write_requests(requests: Sequence[Request], settings: Settings) -> Outgoing:
    """Return the Batch API's input file and its index.

    Raises UserError if the file is larger than the Batch API takes.
    """
    return Outgoing(lines(requests, settings), index(requests, settings))


def read_answers(requests: Sequence[Request], settings: Settings, given: Given) -> Recorded:
    """Return the answers that came back.

    Raises UserError if there are none yet, if a line is not of the documented form, or if it
    belongs to another request than these.
    """
    if given.requests is None or given.results is None:
        raise HarnessError("the engine batch was not told where its files are")
    if not (given.results / OUTPUT).is_file():
        raise _not_yet(given.requests, given.results)
    found, digest = read_results(requests, settings, given.results)
    accept = settings["parameters"].get("provider_cache", VOID) == ACCEPT
    pairs = [
        answer_of(request, found.get(custom_id(request, settings)), accept_cache=accept)
        for request in requests
    ]
    used = [one for _, one in pairs if one is not None]
    returned = _returned(used, given.results)
    seed = settings["seed"] if settings["parameters"].get("seed", True) else None
    fingerprint = {
        "url": URL, "parameters": settings["parameters"], "seed": seed, "returned": returned,
        "results_sha256": digest,
    }  # fmt: skip
    return Recorded([answer for answer, _ in pairs], fingerprint, _measured(used, len(found)))


def _returned(used: Sequence[Used], folder: Path) -> Mapping[str, Any]:
    """Return what answered, in its own words; raise UserError if it was more than one model."""
    models = sorted({one.model for one in used})
    if len(models) > 1:
        raise UserError(
            "the answers are of more than one model", where=folder, given=", ".join(models)[:300],
            expected="one model, as the provider names it", hint="run the whole batch again",
        )  # fmt: skip
    systems = sorted({one.system_fingerprint for one in used if one.system_fingerprint})
    return {"model": models[0] if models else None, "system_fingerprints": systems}


def _measured(used: Sequence[Used], count: int) -> Mapping[str, Any]:
    """Return the use of tokens, void answers included, and who answered how often."""
    systems = Counter(one.system_fingerprint or "none stated" for one in used)
    return {
        "lines": count,
        "system_fingerprints": dict(sorted(systems.items())),
        "usage": {
            "prompt_tokens": sum(one.prompt for one in used),
            "cached_tokens": sum(one.cached for one in used),
            "completion_tokens": sum(one.completion for one in used),
            "reasoning_tokens": sum(one.reasoning for one in used),
        },
    }


def _not_yet(requests: Path, folder: Path) -> UserError:
    return UserError(
        "the answers of this model come from outside, and they are not here yet",
        where=folder / OUTPUT, expected="the output file of an OpenAI batch",
        hint=f"take {requests} to a machine that reaches the provider, run it there as a batch for "
        f"{URL}, put its output file here as {folder / OUTPUT} and its error file, if there is "
        f"one, as {folder / ERRORS}; then run again: all else is kept (docs/engines-batch.md)",
    )  # fmt: skip
