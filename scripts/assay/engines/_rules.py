"""What holds for a prompt under every engine: its template writes no date, and it fits."""

from __future__ import annotations

from assay.core.errors import UserError

CLOCK = "strftime_now"  # a function that Jinja chat templates may call


def require_no_clock(template: str, where: str, *clocks: str) -> None:
    """Raise UserError if a chat template would write the date into the prompt.

    where:  what the model file calls the template
    clocks: what writes the date in it
    """
    for clock in [clock for clock in clocks if clock in template]:
        raise UserError(
            "the chat template writes the date into the prompt", where=where,
            given=clock, expected="a template that is a function of the message alone",
            hint=f"state one as `{where}` in the model file, with a fixed date",
        )  # fmt: skip


def too_large(tokens: int, max_tokens: int, context: int) -> str | None:
    """Return why a prompt and an answer of so many tokens are void, or None if they fit."""
    if tokens + max_tokens <= context:
        return None
    return (
        f"a prompt of {tokens} tokens and an answer of {max_tokens} "
        f"do not fit into the context of {context}"
    )
