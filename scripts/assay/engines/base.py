"""What an engine is, and what it is handed and returns.

An engine module has
    PARAMETERS  closed JSON schema of the model file's `parameters`
    EXAMPLES    valid parameters, which the contract test checks (and, for solvers, runs)
    NEEDS_KEYS  True for a reference solver that answers from the keys; no model ever gets them
    REFERENCE   True for a solver that answers by itself, without weights, in this process
and, where it is not as what stands in brackets,
    NEEDS_WEIGHTS  whether the model file has to name weights (not REFERENCE)
    SNAPSHOTS      True if weights may be a folder of files, `kind: snapshot` (False)
    RECORDED       True if the answers were made elsewhere and are read from a file: nothing here
                   can make them again (False)
    BROUGHT_IN     names of the files that a person brings back, who carries the requests of a
                   recorded engine out of the closed network; the first one has to be there (())
    REMOTE         True for an engine that asks a server which runs already: its step runs on the
                   host, since it has to reach that server (False)
    SHOWN          files of the machine that the view of its process has to show beside; no view
                   has a /proc, but those of models on a card (())
    PROBED         False for an inference engine that can't be asked twice and started anew: no
                   determinism probe, no response cache (True)
and one public function:
    solve(task, key, settings) -> str       a reference solver; `key` is None unless NEEDS_KEYS
    open_engine(settings, weights, log)     an inference engine: a context manager that yields
                                            an Engine; `weights` is a file, or a folder if
                                            SNAPSHOTS (None unless NEEDS_WEIGHTS), `log`
                                            an open file
    read_answers(requests, settings, given) -> Recorded     if RECORDED
and, if BROUGHT_IN, one more:
    write_requests(requests, settings) -> Outgoing
`settings` is {"model": the model's name, "parameters": {…}, "seed": the run's seed}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
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
    """What came back. Times are whole microseconds; 0 or None where nothing was measured.

    rendered_sha256: of the prompt after the chat template
    thinking:        the reasoning block, where the model wrote one; else None
    cached_tokens:   prompt tokens that were not computed anew; anything but 0 voids the row
    void:            why this is no measurement, or None
    from_cache:      the answer and its times are those of an earlier run
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
    from_cache: bool = False


@dataclass(frozen=True)
class Margin:
    """The token that an engine chose at a place of an answer, and the next likeliest one.

    nats: difference of the natural logarithms of their probabilities; 0 is a tie
    """

    token: str
    other: str
    nats: float


@dataclass(frozen=True)
class Given:
    """The files that recorded answers come from.

    weights:        what the model file names as `weights`, checked; None unless NEEDS_WEIGHTS
    weights_sha256: its digest
    requests:       the file that was written to be carried out; None unless BROUGHT_IN
    results:        the folder that what came back is put into; None unless BROUGHT_IN
    """

    weights: Path | None = None
    weights_sha256: str | None = None
    requests: Path | None = None
    results: Path | None = None


@dataclass(frozen=True)
class Recorded:
    """Answers in the order of the requests, and what an Engine tells as its properties."""

    answers: Sequence[Answer]
    fingerprint: Mapping[str, Any]
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outgoing:
    """What is carried out of the closed network, and an index of it for people (plain JSON)."""

    lines: str
    index: Mapping[str, Any]


def needs_weights(plugin: ModuleType) -> bool:
    """Tell whether a model file has to name weights for this engine."""
    return bool(getattr(plugin, "NEEDS_WEIGHTS", not plugin.REFERENCE))


def wants_cards(described: Mapping[str, Any]) -> bool:
    """Tell whether a model file asks for layers on a card, or for one as a whole."""
    chosen = described.get("parameters", {})
    return bool(chosen.get("gpu_layers", 0)) or chosen.get("device", "cpu") != "cpu"


def is_recorded(plugin: ModuleType) -> bool:
    """Tell whether the answers were made elsewhere, so that nothing here can make them again."""
    return bool(getattr(plugin, "RECORDED", False))


def is_remote(plugin: ModuleType) -> bool:
    """Tell whether a running server is asked, from the host and not from a container."""
    return bool(getattr(plugin, "REMOTE", False))


def brought_in(plugin: ModuleType) -> tuple[str, ...]:
    """Return the names of the files that a person brings back; () if nobody is asked outside."""
    return tuple(getattr(plugin, "BROUGHT_IN", ()))


def shown_to(plugin: ModuleType) -> tuple[str, ...]:
    """Return the files of the machine that an engine's view shows beside its own."""
    return tuple(getattr(plugin, "SHOWN", ()))


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
