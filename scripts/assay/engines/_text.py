"""The text of an answer: what UTF-8 can hold of it, and thinking apart from the response."""

from __future__ import annotations


def clean_text(text: str) -> str:
    """Return the text without lone surrogates, which UTF-8 can't hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def split_thinking(text: str, *, opened: bool = False) -> tuple[str | None, str]:
    """Return (thinking, response): a leading `<think>` block is taken off the text.

    opened: the prompt's template has already opened the block. A block that is never closed is
    all thinking and leaves an empty response.
    """
    body = text.lstrip()
    if not opened and not body.startswith("<think>"):
        return None, text
    thinking, _, response = body.removeprefix("<think>").partition("</think>")
    return thinking.strip(), response.lstrip()
