"""Answers as text: line ends, reasoning blocks, Markdown fences.

All of it is linear in the length of the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_CHARS = 400_000
REASONING = "think|thinking|reasoning|thought"
_OPEN = re.compile(rf"^[ \t]*<({REASONING})>", re.IGNORECASE | re.MULTILINE)
_CLOSE = re.compile(rf"</({REASONING})>[ \t]*(?=\n|\Z)", re.IGNORECASE)
# A run of marks is taken whole (`+`): to try its shorter forms would be quadratic.
_FENCE = re.compile(r"^[ \t]*(?:[-*>][ \t]+)?(`{3,}+|~{3,}+)([^`\n]*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its text, the word after the fence, and whether the fence was closed."""

    text: str
    info: str
    closed: bool


@dataclass(frozen=True)
class Parts:
    """An answer in parts: `prose` is all that stands outside the fenced `blocks`."""

    whole: str
    prose: str
    blocks: tuple[Block, ...]
    reasoning_only: bool


def split(answer: str) -> Parts:
    """Return the parts of an answer, with LF line ends and without reasoning."""
    text = answer.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    spoken = without_reasoning(text)
    blocks, prose = _blocks(spoken)
    unanswered = not spoken.strip() and bool(text.strip())
    return Parts(spoken, prose, blocks, unanswered)


def without_reasoning(text: str) -> str:
    """Drop `<think>…</think>`; also a block whose start stood in the prompt, or without an end.

    A tag counts at the start (opening) or end (closing) of a line only, so that a string literal
    in code is left alone.
    """
    kept, at = [], 0
    while (opened := _OPEN.search(text, at)) is not None:
        closed = _CLOSE.search(text, opened.end())
        stray = _CLOSE.search(text, at, opened.start())
        kept.append(text[stray.end() if stray else at : opened.start()])
        at = closed.end() if closed else len(text)
    stray = _CLOSE.search(text, at)
    kept.append(text[stray.end() if stray else at :])
    return "".join(kept)


def _blocks(text: str) -> tuple[tuple[Block, ...], str]:
    blocks: list[Block] = []
    prose: list[str] = []
    inside: list[str] = []
    fence, info = "", ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if fence and _closes(line, fence):
            blocks.append(Block("\n".join(inside) + "\n", info, closed=True))
            fence = ""
        elif found and (not fence or (found[2].strip() and found[1] == fence)):
            # A second opening fence inside a block means that the first was never closed.
            if fence:
                blocks.append(Block("\n".join(inside) + "\n", info, closed=False))
            fence, info, inside = found[1], found[2].strip().lower(), []
        else:
            (inside if fence else prose).append(line)
    if fence:
        blocks.append(Block("\n".join(inside) + "\n", info, closed=False))
    return tuple(blocks), "\n".join(prose)


def _closes(line: str, fence: str) -> bool:
    mark = line.strip()
    return len(mark) >= len(fence) and mark == fence[0] * len(mark)
