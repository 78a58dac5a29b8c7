"""The JSON form of an answer, wherever it stands in the text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from assay.scoring.fences import Parts

MAX_CHARS = 200_000
MAX_BLOCKS = 10
# Texts in either quotes, comments, a comma before a closing bracket, Python's own words. It is
# linear: a text without its end is taken to the end.
_TOKEN = re.compile(
    r"""(?s)"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|//[^\n]*|\#[^\n]*|/\*[^*]{0,2000}\*/"""
    r"""|,(?=\s*[}\]])|\b(?:True|False|None)\b"""
)
_ESCAPED = re.compile(r"(?s)\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_WORDS = {"True": "true", "False": "false", "None": "null"}
_QUOTES = str.maketrans("\u201c\u201d\u201e", '"' * 3)


def find(parts: Parts) -> Any | None:
    """Return the last JSON object or list in the answer, or None.

    Looked for in fenced blocks, the whole text, and from the first brace to the last. What is no
    JSON is read once more without its comments and last commas, and with quotes made plain.
    """
    for text in _places(parts):
        value = _loaded(text)
        if value is None:
            value = _loaded(_TOKEN.sub(_mended, text.translate(_QUOTES)))
        if isinstance(value, dict | list):
            return value
    return None


def _loaded(text: str) -> Any | None:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _mended(found: re.Match[str]) -> str:
    """Leave texts alone; drop comments and commas at an end; write Python's words as JSON's."""
    token = found[0]
    if token[0] == "'":
        return json.dumps(
            _ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[1]), token[1:].removesuffix("'"))
        )
    return token if token[0] == '"' else _WORDS.get(token, "")


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
