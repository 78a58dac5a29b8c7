"""What an engine is, and what it is handed and returns.

An engine module has
    PARAMETERS  closed JSON schema of the model file's `parameters`
    EXAMPLES    valid parameters, which the contract test checks (and, for solvers, runs)
    NEEDS_KEYS  True for a reference solver that answers from the keys; no model ever gets them
    REFERENCE   True for a solver that answers by itself, without weights, in this process
    REMOTE      True for an engine that asks a server which runs already: it has no weights, and
                its step runs on the host, since it has to reach that server
and one public function:
    solve(task, key, settings) -> str       a reference solver; `key` is None unless NEEDS_KEYS
    open_engine(settings, weights, log)     an inference engine: a context manager that yields
                                            an Engine; `weights` is a file, `log` an open file
`settings` is {"model": the model's name, "parameters": {…}, "seed": the run's seed}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from assay.core.errors import HarnessError

STOP, LENGTH, ERROR = "stop", "length", "error"
FINISH_REASONS = (STOP, LENGTH, ERROR)

Settings = Mapping[str, Any]


class EngineDiedError(HarnessError):
    """The engine's process ended, hung, or broke off an answer."""


@dataclass(frozen=True)
class Request:
    """One question, as the engine gets it: a user message and the budget of its answer."""

    target: str
    task_id: str
    category: str
    prompt: str
    prompt_sha256: str
    max_tokens: int


@dataclass(frozen=True)
class Answer:
    """What came back. Times are whole microseconds; None where there was nothing to measure.

    rendered_sha256: of the prompt after the chat template
    thinking:        the reasoning block, where the model wrote one; else None
    cached_tokens:   prompt tokens that were not computed anew; anything but 0 voids the row
    void:            why this is no measurement, or None
    """

    response: str
    rendered_sha256: str
    thinking: str | None = None
    finish_reason: str = STOP
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    void: str | None = None
    latency_us: int = 0
    ttft_us: int | None = None
    prompt_us: int = 0
    decode_us: int = 0


@dataclass(frozen=True)
class Margin:
    """The token that an engine chose at a place of an answer, and the next likeliest one.

    nats: difference of the natural logarithms of their probabilities; 0 is a tie
    """

    token: str
    other: str
    nats: float


class Engine(Protocol):
    """A loaded model that answers one request at a time."""

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Return all that the text of an answer may depend on beside the prompt (plain JSON)."""
        ...

    @property
    def measured(self) -> Mapping[str, Any]:
        """Return facts of this machine and run that are worth a record but decide no text."""
        ...

    def answer(self, request: Request) -> Answer:
        """Answer one request; raise EngineDiedError if the engine is lost."""
        ...

    def restart(self) -> None:
        """Start the engine anew; raise EngineDiedError if it does not come up."""
        ...

    def margin(self, request: Request, part: str, character: int) -> Margin | None:
        """Answer once more; return how sure the token was that wrote one character.

        part: "thinking" or "response"; None past its end, or where the engine does not tell.
        Raises EngineDiedError if the engine is lost.
        """
        ...
