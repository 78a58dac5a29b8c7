"""Lines with a mark of their own: `WITNESS: <expression>` and `EXPLOIT: <parameter> = <literal>`.

Only their place is found here. What they may say is decided by the category, which never runs it
outside of the sandbox.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from assay.scoring.fences import Parts
from assay.scoring.syntax import parse

MAX_LINES = 60  # of an expression that is broken over several lines
MAX_CHARS = 8_000
MAX_MARKS = 20
_FENCE = re.compile(r"[ \t]*(?:`{3,}+|~{3,}+)[^`]*$")  # a run taken whole, as in `fences`
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.) ?")


@dataclass(frozen=True)
class Mark:
    """How a line begins (`start`), what may stand before the expression (`head`), its kinds.

    kinds: nodes that the expression may be; what is none of them is taken up to its line's end
    """

    start: re.Pattern[str]
    head: re.Pattern[str]
    kinds: tuple[type[ast.expr], ...]


WITNESS = Mark(
    re.compile(r"(?im)^[ \t#*_`>\-]{0,20}witness[*_`]{0,4}[ \t]{0,4}[:=][ \t*_]{0,8}"),
    re.compile(""),
    (ast.expr,),
)
EXPLOIT = Mark(
    re.compile(
        r"(?im)^[ \t#*_`>\-]{0,20}exploit(?: (?:input|payload|value|line))?[*_`]{0,4}[ \t]{0,4}:"
        r"[ \t]{0,8}\*{0,3}[ \t]{0,8}"
    ),
    re.compile(r"[ \t]*`?\w{1,80}[ \t]*=(?!=)"),
    (ast.Constant, ast.Dict, ast.List, ast.Set, ast.Tuple),
)


def split(parts: Parts, mark: Mark) -> tuple[str | None, str]:
    """Return the last marked expression and the prose without any line that states one.

    None if the answer has none; what follows the mark, as it is, if it is no expression. The
    lines are taken off so that a number or a word in them is never read as a place or a finding.
    """
    marks = list(mark.start.finditer(parts.whole))[-MAX_MARKS:]
    texts = (
        _expression(parts.whole[found.end() : found.end() + MAX_CHARS], mark)[0]
        for found in marks[::-1]
    )
    return next((text for text in texts if text), None), without(parts.prose, mark)


def _expression(text: str, mark: Mark) -> tuple[str, int]:
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
        if given and _is_expression(mark.head.sub("", given, count=1), mark.kinds):
            return given, end
    return (lines[start].strip().strip("`").strip() if start < len(lines) else ""), 1


def _is_expression(text: str, kinds: tuple[type[ast.expr], ...]) -> bool:
    """Say whether a text is one Python expression (in parentheses, so that it may be broken)."""
    tree = parse(f"(\n{text}\n)")
    found = tree.body if tree is not None else []
    return len(found) == 1 and isinstance(found[0], ast.Expr) and isinstance(found[0].value, kinds)


def is_literal(text: str) -> bool:
    """Say whether a text is written as an exploit is: a literal, perhaps with its parameter."""
    return _is_expression(EXPLOIT.head.sub("", text, count=1), EXPLOIT.kinds)


def without(prose: str, mark: Mark) -> str:
    """Take off each line that has the mark, and those that its expression goes on in."""
    lines = prose.split("\n")
    kept, at, marks = [], 0, 0
    while at < len(lines):
        match = mark.start.match(lines[at])
        if match is None:
            kept.append(lines[at])
            at += 1
            continue
        marks += 1
        rest = "\n".join([lines[at][match.end() :], *lines[at + 1 : at + MAX_LINES]])
        at += _expression(rest[:MAX_CHARS], mark)[1] if marks <= MAX_MARKS else 1
    return "\n".join(kept)
