"""Model-written text, made harmless to look at: in a page, on a terminal, in a table."""

from __future__ import annotations


def shown(text: str | None, limit: int) -> str:
    r"""Return text without control, format or invisible characters, which become `\x1b` and so on.

    Line ends and tabs stay. Cut after `limit` characters, and says so. HTML is escaped later, by
    the page's template.
    """
    if text is None:
        return ""
    cut = text[:limit]
    visible = "".join(char if _plain(char) else _named(char) for char in cut)
    left = len(text) - len(cut)
    return f"{visible}\n[{left} more characters]" if left else visible


def one_line(text: str | None, limit: int) -> str:
    """Return text as one printable line of at most `limit` characters."""
    line = " ".join(shown(text, 4 * limit).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _plain(char: str) -> bool:
    return char in "\n\t" or char.isprintable()


def _named(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
