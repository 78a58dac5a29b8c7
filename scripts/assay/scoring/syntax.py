"""Parsing of hostile Python text without running any of it, and without unbounded work."""

from __future__ import annotations

import ast
import re
import textwrap
import tokenize
import warnings
from collections.abc import Callable, Iterator

MAX_CODE_CHARS = 100_000
MAX_DEPTH = 150  # nodes; real code stays below 40
_START = re.compile(r"[ \t]*(@|def\b|async\b|class\b|import\b|from\b|[A-Za-z_]\w*[ \t]*=[^=])")
_NUMBERED = re.compile(r"[ \t]*\d{1,6}[ \t]*[|:│][ \t]?|[ \t]*\d{1,6}\t")
MAX_SALVAGED = 8_000  # lines
MAX_READ = 100_000  # characters beyond those of the text: lines may be long, and read often
MAX_REGION = 1_500  # lines


def parse(text: str) -> ast.Module | None:
    """Return the syntax tree, or None if the text is no Python, too long or nested too deeply."""
    if len(text) > MAX_CODE_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if _shallow(tree) else None


def parse_mended(text: str) -> tuple[str, ast.Module, str] | None:
    """Parse the text as given, else after one of the known mendings.

    Returns (text as parsed, tree, name of the mending or ""), or None.
    """
    tried: set[str] = set()
    for rule, mend in _MENDINGS:
        mended = mend(text)
        if mended in tried:
            continue
        tried.add(mended)
        tree = parse(mended)
        if tree is not None and tree.body:
            return mended, tree, rule
    return None


def salvaged(text: str) -> str:
    """Return only the definitions, imports and assignments of a text that mixes code and prose.

    The work is bounded: after `MAX_SALVAGED` lines of statements, good or bad, or of many more
    characters of them than the text has, it stops.
    """
    lines = text.split("\n")
    kept, at, budget, left = [], 0, MAX_SALVAGED, len(text) + MAX_READ
    while at < len(lines) and budget > 0 and left > 0:
        if not _START.match(lines[at]):
            at += 1
            continue
        region, looked_at = _region(lines, at)
        budget -= max(1, len(looked_at))
        left -= sum(map(len, looked_at))
        if region and parse("\n".join(region)):
            kept.extend(region)
            at += len(region)
        else:
            at += 1
    return "\n".join(kept) + "\n"


def _shallow(tree: ast.AST) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return True
    return False


def _region(lines: list[str], start: int) -> tuple[list[str], list[str]]:
    """Return the dedented lines of the statement that starts at `start`, and all lines read."""
    margin = len(lines[start]) - len(lines[start].lstrip())
    prefix = lines[start][:margin]
    window = lines[start : start + MAX_REGION]
    reader = _Reader(line[margin:] if line.startswith(prefix) else line for line in window)
    rows = _suite_rows(reader)
    return reader.seen[:rows], reader.seen


class _Reader:
    """Hands out lines one by one and keeps those that were handed out."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.seen = lines, list[str]()

    def __call__(self) -> str:
        line = next(self.lines, None)
        if line is None:
            return ""
        self.seen.append(line)
        return line + "\n"


def _suite_rows(reader: Callable[[], str]) -> int:
    """Return how many lines the first statement takes, with its decorators and its suite."""
    depth, rows, head, before, opened = 0, 0, "", "", False
    try:
        for token in tokenize.generate_tokens(reader):
            if token.type == tokenize.INDENT:
                depth += 1
            elif token.type == tokenize.DEDENT:
                depth -= 1
                if depth == 0:
                    return rows
            elif token.type == tokenize.NEWLINE:
                rows = token.start[0]
                opened = before == ":"
                if depth == 0 and not opened and head != "@":
                    return rows
                head = ""
            elif token.type not in (tokenize.NL, tokenize.COMMENT):
                if depth == 0 and opened:
                    return rows  # a suite was announced, and none came
                head, before = head or token.string, token.string
    except (tokenize.TokenError, SyntaxError, ValueError):
        return rows
    return rows


def _first_line_lost_its_indent(text: str) -> str:
    first, _, rest = text.strip("\n").partition("\n")
    return first.lstrip() + "\n" + textwrap.dedent(rest)


def _without_numbers(text: str) -> str:
    lines = text.split("\n")
    if not all(_NUMBERED.match(line) for line in lines if line.strip()):
        return text
    return textwrap.dedent("\n".join(_NUMBERED.sub("", line, count=1) for line in lines))


def _plain_spaces(text: str) -> str:
    return textwrap.dedent(text.replace("\u00a0", " ").replace("\u200b", "").expandtabs(8))


def _without_marks(text: str) -> str:
    return "\n".join(line.removesuffix("```") for line in text.split("\n"))


def _plain_quotes(text: str) -> str:
    return _plain_spaces(text).translate(_QUOTES)


_QUOTES = str.maketrans("\u201c\u201d\u201e\u2018\u2019\u201a", '"' * 3 + "'" * 3)
_MENDINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("", lambda text: text),
    ("dedented", textwrap.dedent),
    ("first line indented", _first_line_lost_its_indent),
    ("spaces and tabs", _plain_spaces),
    ("line numbers removed", _without_numbers),
    ("fence at a line's end", _without_marks),
    ("typographic quotes", _plain_quotes),
)
