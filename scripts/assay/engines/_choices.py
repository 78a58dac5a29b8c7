"""How sure a token was, as llama.cpp's server and Ollama tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.engines._text import clean_text
from assay.engines.base import Margin


def margin_of(chosen: Mapping[str, Any] | None) -> Margin | None:
    """Return the margin of {token, logprob, top_logprobs}, as servers tell it; None if untold."""
    if chosen is None:
        return None
    found = {one["token"]: one["logprob"] for one in chosen["top_logprobs"]}
    others = [token for token in found if token != chosen["token"]]
    if not others:
        return None
    nats = chosen["logprob"] - found[others[0]]
    return Margin(clean_text(chosen["token"]), clean_text(others[0]), nats)
