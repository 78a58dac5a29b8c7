"""The witness that an answer gives: `WITNESS: <expression>`, wherever it stands.

Only its place is found here. What it may say is decided by the category, which never runs it
outside of the sandbox.
"""

from __future__ import annotations

import re

from assay.scoring.fences import Parts
from assay.scoring.syntax import parse

MAX_LINES = 60  # of an expression that is broken over several lines
MAX_CHARS = 8_000
MAX_MARKS = 20
_MARK = re.compile(r"(?im)^[ \t#*_`>\-]{0,20}witness[*_`]{0,4}[ \t]{0,4}[:=][ \t*_]{0,8}")
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[^`]*$")
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.) ?")


def split(parts: Parts) -> tuple[str | None, str]:
    """Return the last witness of an answer and the prose without any line that states one.

    None if the answer has none; what follows the mark, as it is, if it is no expression. The
    lines are taken off so that a number or the word "line" in a witness is never read as a place.
    """
    marks = list(_MARK.finditer(parts.whole))[-MAX_MARKS:]
    texts = (
        _expression(parts.whole[mark.end() : mark.end() + MAX_CHARS])[0] for mark in marks[::-1]
    )
    return next((text for text in texts if text), None), without(parts.prose)


def _expression(text: str) -> tuple[str, int]:
    """Return the expression that a text begins with and the lines up to its end.

    Its first line, and 1, if it begins with none.
    """
    lines = [_PROMPT.sub("", line) for line in text.split("\n")[:MAX_LINES]]
    start = 0
    while start < len(lines) and (not lines[start].strip() or _FENCE.match(lines[start])):
        start += 1
    for end in range(start + 1, len(lines) + 1):
        if _FENCE.match(lines[end - 1]):
            break
        given = "\n".join(lines[start:end]).strip().strip("`").strip()
        if given and _is_expression(given):
            return given, end
    return (lines[start].strip().strip("`").strip() if start < len(lines) else ""), 1


def _is_expression(text: str) -> bool:
    """Say whether a text is one Python expression (in parentheses, so that it may be broken)."""
    tree = parse(f"(\n{text}\n)")
    return tree is not None and len(tree.body) == 1


def without(prose: str) -> str:
    """Take off each line that states a witness, and those that its expression goes on in."""
    lines = prose.split("\n")
    kept, at, marks = [], 0, 0
    while at < len(lines):
        match = _MARK.match(lines[at])
        if match is None:
            kept.append(lines[at])
            at += 1
            continue
        marks += 1
        rest = "\n".join([lines[at][match.end() :], *lines[at + 1 : at + MAX_LINES]])
        at += _expression(rest[:MAX_CHARS])[1] if marks <= MAX_MARKS else 1
    return "\n".join(kept)
