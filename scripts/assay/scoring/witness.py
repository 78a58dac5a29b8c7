"""The witness that an answer gives: `WITNESS: <expression>`, wherever it stands.

Only its place is found here. What it may say is decided by the category, which never runs it
outside of the sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.scoring.fences import Parts
from assay.scoring.syntax import parse

MAX_LINES = 60  # of an expression that is broken over several lines
MAX_CHARS = 8_000
_MARK = re.compile(r"(?im)^[ \t#*_`>\-]{0,20}witness[*_`]{0,4}[ \t]{0,4}[:=][ \t*_]{0,8}")
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[^`]*$")
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.) ?")


def split(parts: Parts) -> tuple[str | None, str]:
    """Return the last witness of an answer and the prose without any line that states one.

    None if the answer has none; what follows the mark, as it is, if it is no expression. The
    lines are taken off so that a number or the word "line" in a witness is never read as a place.
    """
    found: str | None = None
    for match in _MARK.finditer(parts.whole):
        found = _expression(parts.whole[match.end() : match.end() + MAX_CHARS]) or found
    return found, _without(parts.prose)


def _expression(text: str) -> str:
    """Return the expression that a text begins with, on one or several lines, or its first line."""
    lines = [_PROMPT.sub("", line) for line in text.split("\n")[:MAX_LINES]]
    while lines and (not lines[0].strip() or _FENCE.match(lines[0])):
        lines.pop(0)
    for count in range(1, len(lines) + 1):
        if _FENCE.match(lines[count - 1]):
            break
        given = "\n".join(lines[:count]).strip().strip("`").strip()
        if given and _is_expression(given):
            return given
    return lines[0].strip().strip("`").strip() if lines else ""


def _is_expression(text: str) -> bool:
    """Say whether a text is one Python expression (in parentheses, so that it may be broken)."""
    tree = parse(f"(\n{text}\n)")
    return tree is not None and len(tree.body) == 1


def _without(prose: str) -> str:
    """Take off each line that states a witness, and those that its expression goes on in."""
    lines: Sequence[str] = prose.split("\n")
    kept, at = [], 0
    while at < len(lines):
        match = _MARK.match(lines[at])
        if match is None:
            kept.append(lines[at])
            at += 1
            continue
        rest = "\n".join([lines[at][match.end() :], *lines[at + 1 : at + MAX_LINES]])
        given = _expression(rest[:MAX_CHARS])
        same_line = bool(lines[at][match.end() :].strip())
        at += 1 + (given.count("\n") if same_line else 0)
    return "\n".join(kept)
