"""What Ollama says of a model and of an answer, judged: is it a measurement?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assay.core.files import canonical_json, sha256_text
from assay.engines._rules import CLOCK, too_large

CLOCKS = (CLOCK, "currentDate")  # what chat templates write the date by
_FORMS = re.compile(r"^(?:RENDERER|PARSER) .*$", re.MULTILINE)


def template_digest(shown: Mapping[str, Any]) -> str:
    """Return a digest of all that makes a prompt of a message: template, system text, renderer."""
    named = [str(shown.get(name, "")) for name in ("template", "system")]
    return sha256_text(canonical_json([*named, _FORMS.findall(shown.get("modelfile", ""))]))


def on_gpu(entry: Mapping[str, Any]) -> str:
    """Return how much of a loaded model is on the GPU: all, part or none."""
    there = entry.get("size_vram", 0)
    if not there:
        return "none"
    return "all" if there >= entry["size"] else "part"


def spilled(entry: Mapping[str, Any], layers: Sequence[int]) -> str | None:
    """Return what is not on the GPU, by the log or by /api/ps, as a reason; None if all is."""
    if layers[0] < layers[1]:
        return f"only {layers[0]} of {layers[1]} layers are on the GPU"
    if on_gpu(entry) != "all":
        return f"only {entry.get('size_vram', 0)} of {entry['size']} bytes are on the GPU"
    return None


def misread(last: Mapping[str, Any], max_tokens: int, context: int) -> str | None:
    """Return why an answer's own counts make it no measurement; None if they do not."""
    read = last.get("prompt_eval_count", 0)
    if not read:
        return "the engine read no prompt token: the prompt came from a cache"
    return too_large(read, max_tokens, context)
