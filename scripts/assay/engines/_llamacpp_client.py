"""The parent's side of llama.cpp's server: start and stop the child, speak HTTP to it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

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
        self.order = {"model": str(weights), "parameters": dict(parameters)}
        self.patience_s = parameters.get("patience_s", PATIENCE_S)
        self.log, self.about = log, dict[str, Any]()
        self._child: subprocess.Popen[str] | None = None
        self._log_start = 0
        self.layers_offloaded = (0, 0)

    def start(self) -> None:
        """Start the child, or start it anew; raise EngineDiedError if it does not come up."""
        self.stop()
        self.log.flush()
        self._log_start = Path(self.log.name).stat().st_size
        self._child = subprocess.Popen(
            [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, text=True, encoding="utf-8", env={**os.environ, **WAITING},
        )  # fmt: skip
        try:
            self._stream("stdin").write(json.dumps(self.order) + "\n")
            self._stream("stdin").flush()
            self.about = json.loads(self._first_line())
        except (OSError, ValueError) as error:
            self.stop()
            tail = self._log_since_start()[-600:].decode("utf-8", "replace")
            raise EngineDiedError(
                f"llama.cpp did not start ({error}); its last words:\n{tail}"
            ) from error
        properties = self._ask("GET", "/props")
        self.about["context"] = properties["default_generation_settings"]["n_ctx"]
        self.about["chat_template"] = properties["chat_template"]
        found = _OFFLOADED.search(self._log_since_start())
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
        return str(self._ask("POST", "/apply-template", {"messages": messages})["prompt"])

    def count_tokens(self, rendered: str) -> int:
        """Return the number of tokens that the server will read for a rendered prompt."""
        body = {"content": rendered, "add_special": True, "parse_special": True}
        return len(self._ask("POST", "/tokenize", body)["tokens"])

    def complete(self, body: Mapping[str, Any]) -> Timed:
        """Stream one completion to its end; raise EngineDiedError if it breaks off."""
        began = time.monotonic_ns()
        first: int | None = None
        pieces: list[str] = []
        choices: list[tuple[int, Mapping[str, Any]]] = []
        length = 0
        with self._http("POST", "/completion", {**body, "stream": True}) as reply:
            for event in self._events(reply):
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

    def _events(self, reply: HTTPResponse) -> Iterator[dict[str, Any]]:
        heard = time.monotonic()
        try:
            for line in reply:
                # The server's keep-alive lines come even from an engine that hangs.
                if time.monotonic() - heard > self.patience_s:
                    raise EngineDiedError(f"llama.cpp was silent for {self.patience_s} s")
                if line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    if "content" not in event:
                        raise EngineDiedError(f"llama.cpp failed: {event}")
                    heard = time.monotonic()
                    yield event
        except (OSError, HTTPException, ValueError) as error:
            raise EngineDiedError(f"llama.cpp died in the middle of an answer: {error}") from error

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        with self._http(method, path, body) as reply:
            try:
                answer: dict[str, Any] = json.loads(reply.read())
            except (OSError, HTTPException, ValueError) as error:
                raise EngineDiedError(f"llama.cpp died: {error}") from error
        return answer

    def _http(self, method: str, path: str, body: Any) -> HTTPResponse:
        address = urlsplit(str(self.about["address"]))
        link = HTTPConnection(address.hostname or "", address.port, timeout=self.patience_s)
        headers = {"Content-Type": "application/json", "Connection": "close"}
        try:
            link.request(method, path, None if body is None else json.dumps(body), headers)
            reply = link.getresponse()
            if reply.status == 200:
                return reply
            said = reply.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            raise EngineDiedError(f"llama.cpp does not answer: {error!r}") from error
        raise EngineDiedError(f"llama.cpp refused the request ({reply.status}): {said[:400]}")

    def _first_line(self) -> str:
        stdout = self._stream("stdout")
        ready, _, _ = select.select([stdout], [], [], self.patience_s)
        if not ready:
            raise TimeoutError(f"no word within {self.patience_s} s")
        return str(stdout.readline())

    def _stream(self, name: str) -> Any:
        return getattr(self._child, name)

    def _log_since_start(self) -> bytes:
        with Path(self.log.name).open("rb") as stream:
            stream.seek(self._log_start)
            return stream.read()


def clean_text(text: str) -> str:
    """Return the text without lone surrogates, which UTF-8 can't hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
