"""The parent's side of llama.cpp's server: start and stop the child, speak HTTP to it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from assay.engines._http import Link
from assay.engines._log import Log
from assay.engines.base import EngineDiedError

CHILD = Path(__file__).with_name("_llamacpp_server.py")
PATIENCE_S = 1800
STOP_S = 5
# Threads that spin while they wait take the processor from the ones that they wait for: on a busy
# machine of two cores that cost a factor of seven. Waiting changes no text.
WAITING = {"OMP_WAIT_POLICY": "passive", "OMP_DYNAMIC": "false"}
_OFFLOADED = re.compile(rb"offloaded (\d+)/(\d+) layers")


@dataclass(frozen=True)
class Timed:
    """A streamed completion: its text, the server's last event, and times in microseconds.

    choices: for each token the length of the text up to its end, and what the server says of its
             probability; empty if it was not asked for
    """

    text: str
    last: Mapping[str, Any]
    latency_us: int
    ttft_us: int | None
    choices: tuple[tuple[int, Mapping[str, Any]], ...] = ()


class Server:
    """One child process.

    about:            what it said of itself when it started
    layers_offloaded: (layers on a GPU, layers of the model) by its log; (0, 0) without a GPU build
    """

    def __init__(self, weights: Path, parameters: Mapping[str, Any], log: IO[bytes]) -> None:
        self.parameters = dict(parameters)
        self.order = {"model": str(weights), "parameters": self.parameters}
        self.link = Link("llama.cpp", parameters.get("patience_s", PATIENCE_S))
        self.log, self.about = Log(log), dict[str, Any]()
        self._child: subprocess.Popen[str] | None = None
        self.layers_offloaded = (0, 0)

    def start(self) -> None:
        """Start the child, or start it anew; raise EngineDiedError if it does not come up."""
        self.stop()
        self.log.mark()
        self._child = subprocess.Popen(
            [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log.stream, text=True, encoding="utf-8", env={**os.environ, **WAITING},
        )  # fmt: skip
        try:
            self._stream("stdin").write(json.dumps(self.order) + "\n")
            self._stream("stdin").flush()
            self.about = json.loads(self._first_line())
        except (OSError, ValueError) as error:
            self.stop()
            said = self.log.last_words()
            raise EngineDiedError(
                f"llama.cpp did not start ({error}); its last words:\n{said}"
            ) from error
        self.link.address = self.about["address"]
        properties = self.link.ask("GET", "/props")
        self.about["context"] = properties["default_generation_settings"]["n_ctx"]
        self.about["chat_template"] = properties["chat_template"]
        found = _OFFLOADED.search(self.log.since_start())
        self.layers_offloaded = (int(found[1]), int(found[2])) if found else (0, 0)

    def stop(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait(STOP_S)
        for stream in (child.stdin, child.stdout):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue

    @property
    def pid(self) -> int:
        """Return the child's process id; raise EngineDiedError if there is no child."""
        if self._child is None:
            raise EngineDiedError("llama.cpp is not running")
        return self._child.pid

    def render(self, prompt: str) -> str:
        """Return the user message within the chat template."""
        messages = [{"role": "user", "content": prompt}]
        return str(self.link.ask("POST", "/apply-template", {"messages": messages})["prompt"])

    def count_tokens(self, rendered: str) -> int:
        """Return the number of tokens that the server will read for a rendered prompt."""
        body = {"content": rendered, "add_special": True, "parse_special": True}
        return len(self.link.ask("POST", "/tokenize", body)["tokens"])

    def complete(self, body: Mapping[str, Any]) -> Timed:
        """Stream one completion to its end; raise EngineDiedError if it breaks off."""
        began = time.monotonic_ns()
        first: int | None = None
        pieces: list[str] = []
        choices: list[tuple[int, Mapping[str, Any]]] = []
        length = 0
        with self.link.open("POST", "/completion", {**body, "stream": True}) as reply:
            for event in self.link.events(reply, b"data: "):
                if "content" not in event:
                    raise EngineDiedError(f"llama.cpp failed: {event}")
                if first is None and event.get("tokens"):
                    first = time.monotonic_ns()
                pieces.append(event["content"])
                length += len(event["content"])
                choices += [(length, one) for one in event.get("completion_probabilities", ())]
                if event["stop"]:
                    ended = time.monotonic_ns()
                    ttft = None if first is None else (first - began) // 1000
                    latency = (ended - began) // 1000
                    return Timed("".join(pieces), event, latency, ttft, tuple(choices))
        raise EngineDiedError("llama.cpp broke off an answer")

    def _first_line(self) -> str:
        stdout = self._stream("stdout")
        ready, _, _ = select.select([stdout], [], [], self.link.patience_s)
        if not ready:
            raise TimeoutError(f"no word within {self.link.patience_s} s")
        return str(stdout.readline())

    def _stream(self, name: str) -> Any:
        return getattr(self._child, name)
