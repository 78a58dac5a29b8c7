"""A fake engine without a model: the prompt's first word says what it is to do.

Tests copy it into a copy of the library, since a plug-in is a file in its room. Its parameter
`habits` names what it does wrong with prompts that are no tasks:
    tires     another text when it was asked the same before, by the same server
    carries   another text, which depends on the prompt before
    ages      another text once it was started anew
    hurries   the same text, in a tenth of the time when it was asked the same before
    faints    no answer but to the first three requests
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from assay.engines.base import (
    LENGTH,
    Answer,
    EngineDiedError,
    Margin,
    Request,
    Settings,
)

PARAMETERS: dict[str, Any] = {"type": "object"}
EXAMPLES: tuple[dict[str, Any], ...] = ({},)
NEEDS_KEYS = False
REFERENCE = False
PROBED = True


def _read(weights: Path) -> Any:
    """Return the text of a file, or name -> text of a folder."""
    if weights.is_dir():
        return {path.name: path.read_text() for path in sorted(weights.iterdir())}
    return weights.read_text()


@contextmanager
def open_engine(settings: Settings, weights: Path, log: IO[bytes]) -> Iterator[FakeEngine]:
    yield FakeEngine(settings, weights, log)


class FakeEngine:
    measured: Mapping[str, Any] = {}

    def __init__(self, settings: Settings, weights: Path, log: IO[bytes]) -> None:
        self.settings, self.log = settings, log
        self.habits = settings["parameters"].get("habits", ())
        self.seen, self.before, self.starts, self.answers = set[str](), "", 0, 0
        self.fingerprint = {"weights": _read(weights), "parameters": settings["parameters"]}

    def restart(self) -> None:
        self._note("restart")
        self.seen.clear()
        self.before = ""
        self.starts += 1

    def margin(self, request: Request, part: str, character: int) -> Margin | None:
        return Margin(part, str(character), 0.5)

    def answer(self, request: Request) -> Answer:
        self._note(f"asked {request.task_id}")
        word, _, rest = request.prompt.partition(" ")
        text = getattr(self, f"do_{word}", lambda rest: rest[::-1])(rest)
        made = Answer(
            text,
            request.prompt_sha256,
            finish_reason=LENGTH,
            completion_tokens=1,
            latency_us=90_000,
            ttft_us=60_000,
            prompt_us=50_000,
            decode_us=20_000,
        )
        again = request.prompt in self.seen
        self.seen.add(request.prompt)
        if not request.task_id.startswith("task"):
            made = self._with_habits(made, again)
        self.before = request.prompt
        self.answers += 1
        return made

    def _with_habits(self, made: Answer, again: bool) -> Answer:
        odd = {"tires": again, "carries": self.before.startswith("Count"), "ages": self.starts > 0}
        if any(odd[name] for name in self.habits if name in odd):
            made = replace(made, response=made.response + "!")
        if "hurries" in self.habits and again:
            made = replace(made, latency_us=9000, ttft_us=6000)
        if "faints" in self.habits and self.answers >= 3:
            raise EngineDiedError("the fake fainted")
        return made

    def do_slow(self, rest: str) -> str:
        time.sleep(float(self.settings["parameters"].get("delay_s", 0)))
        return rest[::-1]

    def do_die(self, rest: str) -> str:
        raise EngineDiedError(rest)

    def do_look(self, rest: str) -> str:
        """Return what this process can reach, as JSON; `rest` holds what it is to try."""
        tried = json.loads(rest)
        seen = {}
        for folder, folders, files in os.walk("/"):
            folders[:] = [
                name for name in folders if str(Path(folder, name)) not in tried["system"]
            ]
            for name in files:
                path = Path(folder, name)
                ordinary = path.is_file() and not path.is_symlink()
                seen[str(path)] = path.read_bytes().decode("latin-1") if ordinary else ""
        return json.dumps({
            "files": seen, "environment": dict(os.environ),
            "interfaces": [name for _, name in socket.if_nameindex()],
            "read": [path for path in tried["read"] if _works(lambda p=path: Path(p).read_bytes())],
            "written": [p for p in tried["write"] if _works(lambda p=p: Path(p).write_text("x"))],
            "reached": [place for place in tried["connect"] if _works(lambda p=place: _connect(p))],
            "descriptors": [_name(handle) for handle in range(3, 256) if _name(handle)],
            "own_loopback": _works(_own_loopback),
        })  # fmt: skip

    def _note(self, text: str) -> None:
        self.log.write(text.encode() + b"\n")
        self.log.flush()


def _works(action: Any) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def _connect(place: list[Any]) -> None:
    family, kind, address = place
    with socket.socket(getattr(socket, family), getattr(socket, kind)) as link:
        link.settimeout(2)
        link.connect(tuple(address) if isinstance(address, list) else address)
        link.send(b"x")


def _own_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _connect(["AF_INET", "SOCK_STREAM", list(server.getsockname())])


def _name(handle: int) -> str:
    try:
        entry = os.fstat(handle)
    except OSError:
        return ""
    for place in ("/telemetry", "/responses"):
        for path in sorted(Path(place).iterdir()):
            if os.path.samestat(path.stat(), entry):
                return str(path)
    return f"unknown {entry}"
