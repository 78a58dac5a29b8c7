"""The JSON form of an answer, wherever it stands in the text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from assay.scoring.fences import Parts

MAX_CHARS = 200_000
MAX_BLOCKS = 10


def find(parts: Parts) -> Any | None:
    """Return the last JSON object or list in the answer, or None.

    Looked for in fenced blocks, the whole text, and from the first brace to the last.
    """
    for text in _places(parts):
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list):
            return value
    return None


def field(value: Any, *names: str) -> tuple[bool, Any]:
    """Return (True, value) of the first of the names that a JSON object has, ignoring case."""
    if isinstance(value, dict):
        known = {str(name).lower(): item for name, item in value.items()}
        for name in names:
            if name in known:
                return True, known[name]
    return False, None


def _places(parts: Parts) -> Iterator[str]:
    texts = [block.text.strip() for block in reversed(parts.blocks[-MAX_BLOCKS:])]
    texts.append(parts.whole.strip())
    for opening, closing in ("{}", "[]"):
        start, end = parts.whole.find(opening), parts.whole.rfind(closing)
        if 0 <= start < end:
            texts.append(parts.whole[start : end + 1])
    for text in texts:
        if text[:1] in ("{", "[") and len(text) <= MAX_CHARS:
            yield text
