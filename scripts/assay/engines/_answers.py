"""One stream over all tasks: ask, journal, restart a dead engine once, void what is no measurement.

Void rows are kept, and say why; they are never scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from assay.core.errors import HarnessError
from assay.core.files import sha256_text
from assay.core.progress import EVERY_S, say
from assay.core.tables import Row
from assay.engines._journal import Journal
from assay.engines.base import ERROR, Answer, Engine, EngineDiedError, Request

ENGINE_ERROR = "engine error"
# So many requests in a row that killed the engine twice: it will not come back.
GIVE_UP = 3


def requests_of(tasks: Iterable[Row]) -> list[Request]:
    """Return the requests of task rows, in the order that they are asked in."""
    made = []
    for task in sorted(tasks, key=lambda task: (task["target"], task["task_id"])):
        if sha256_text(task["prompt"]) != task["prompt_sha256"]:
            raise HarnessError(f"the prompt of {task['task_id']} is not the one of its digest")
        made.append(Request(**{name: task[name] for name in Request.__annotations__}))
    return made


@dataclass
class Spent:
    """Wall time of the turns of a stream, and the engine's own time in them, in microseconds.

    A turn is all from one request to the next: rendering, answering, journalling. Counted are
    turns with a measured answer in which the engine was not restarted.
    """

    answers: int = 0
    wall_us: int = 0
    engine_us: int = 0

    def add(self, wall_us: int, answer: Answer) -> None:
        """Count one turn, if its answer is a measurement and the engine states its own time."""
        own = answer.prompt_us + answer.decode_us
        if answer.void is None and own:
            self.answers += 1
            self.wall_us += wall_us
            self.engine_us += own


@dataclass
class Stream:
    """The engine under the run: what happened to it, and whether it is up."""

    engine: Engine
    events: list[str] = field(default_factory=list)
    up: bool = True
    lost: int = 0
    spent: Spent = field(default_factory=Spent)

    def ask(self, request: Request) -> Answer:
        """Return an answer; one whose request killed the engine twice is void."""
        for _ in range(2 if self.lost < GIVE_UP else 0):
            try:
                if not self.up:
                    self._note(f"{request.task_id}: the engine is started anew")
                    self._restart()
                answer = self.engine.answer(request)
            except EngineDiedError as error:
                self.up = False
                self._note(f"{request.task_id}: {error}")
            else:
                self.lost = 0
                return checked(answer)
        self.lost += 1
        self._note(f"{request.task_id}: void, the engine gave no answer")
        return Answer("", "", finish_reason=ERROR, void=ENGINE_ERROR)

    def fresh(self) -> None:
        """Start the engine anew, of our own will; if it does not come up, the next request tries.

        Raises HarnessError if it comes back with another fingerprint.
        """
        self.lost = 0
        try:
            self._restart()
        except EngineDiedError as error:
            self.up = False
            self._note(f"a start: {error}")

    def _restart(self) -> None:
        # The journal and the rows bear the first one's id.
        before = self.engine.fingerprint
        self.engine.restart()
        if self.engine.fingerprint != before:
            raise HarnessError("the engine came back with another fingerprint; run again")
        self.up = True

    def _note(self, text: str) -> None:
        self.events.append(text)
        say(f"engine: {text}")


def checked(answer: Answer) -> Answer:
    """Return the answer, void if any of its prompt came from a cache."""
    if answer.cached_tokens and not answer.void:
        return replace(answer, void=f"{answer.cached_tokens} prompt tokens came from a cache")
    return answer


def answer_all(
    stream: Stream, requests: Sequence[Request], journal: Journal, label: str,
) -> list[Answer]:  # fmt: skip
    """Return the answers in the order of the requests, taking finished ones from the journal."""
    known = [answer for request in requests if (answer := journal.get(request))]
    if journalled := sum(not answer.from_cache for answer in known):
        say(f"{label}: {journalled} of {len(requests)} answers are in the journal already")
    progress = Progress(label, len(requests) - len(known), time.monotonic)
    answers = []
    for request in requests:
        answer = journal.get(request)
        if answer is None:
            answer = _turn(stream, request, journal, progress)
        answers.append(answer)
    progress.say_line()
    return answers


def _turn(stream: Stream, request: Request, journal: Journal, progress: Progress) -> Answer:
    began, events = time.monotonic_ns(), len(stream.events)
    answer = stream.ask(request)
    # An engine error may be the machine's fault: a restarted run asks again.
    if answer.void != ENGINE_ERROR:
        journal.put(request, answer)
    progress.add(answer)
    if len(stream.events) == events:
        stream.spent.add((time.monotonic_ns() - began) // 1000, answer)
    return answer


class Progress:
    """Says how many answers are done, how fast, and how long the rest will take."""

    def __init__(self, label: str, total: int, clock: Callable[[], float]) -> None:
        self.label, self.total, self.clock = label, total, clock
        self.began = self.said = clock()
        self.done = self.tokens = 0

    def add(self, answer: Answer) -> None:
        """Count one answer; say a line every few seconds."""
        self.done += 1
        self.tokens += answer.completion_tokens
        if self.clock() - self.said >= EVERY_S:
            self.said = self.clock()
            self.say_line()

    def say_line(self) -> None:
        """Say where the run stands."""
        spent = max(self.clock() - self.began, 1e-3)
        left = spent / max(self.done, 1) * (self.total - self.done)
        say(
            f"{self.label}: {self.done}/{self.total} answers, {self.tokens / spent:.1f} tokens/s, "
            f"{spent:.0f} s, about {left:.0f} s left"
        )
