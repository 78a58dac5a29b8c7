"""JSON over HTTP to an engine's server on loopback, and what counts as losing it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import IO, Any
from urllib.parse import urlsplit

from assay.engines.base import EngineDiedError

OK = (200, 201)


def free_port() -> int:
    """Return a port of loopback that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class RefusedError(EngineDiedError):
    """The server answered, and refused: an HTTP status and what it said."""

    def __init__(self, name: str, status: int, said: str) -> None:
        super().__init__(f"{name} refused the request ({status}): {said[:400]}")
        self.status, self.said = status, said


class Link:
    """The way to one server; `address` is known once it listens.

    name:       the engine's, for messages
    patience_s: longest silence before it counts as dead, in seconds
    """

    def __init__(self, name: str, patience_s: float, address: str = "") -> None:
        self.name, self.patience_s, self.address = name, patience_s, address

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the JSON object of a reply; raise RefusedError or EngineDiedError."""
        with self.open(method, path, body) as reply:
            try:
                answer: dict[str, Any] = json.loads(reply.read())
            except (OSError, HTTPException, ValueError) as error:
                raise EngineDiedError(f"{self.name} died: {error}") from error
        return answer

    def open(self, method: str, path: str, body: Any = None) -> HTTPResponse:
        """Return the reply to a JSON body, before it is read."""
        data = None if body is None else json.dumps(body).encode()
        return self.send(method, path, data, {"Content-Type": "application/json"})

    def send(
        self, method: str, path: str, data: bytes | IO[bytes] | None, headers: Mapping[str, str]
    ) -> HTTPResponse:
        """Return the reply to a body of bytes or of a file, before it is read."""
        place = urlsplit(self.address)
        link = HTTPConnection(place.hostname or "", place.port, timeout=self.patience_s)
        try:
            link.request(method, path, data, {**headers, "Connection": "close"})
            reply = link.getresponse()
            if reply.status in OK:
                return reply
            said = reply.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            raise EngineDiedError(f"{self.name} does not answer: {error!r}") from error
        raise RefusedError(self.name, reply.status, said)

    def events(self, reply: HTTPResponse, prefix: bytes = b"") -> Iterator[dict[str, Any]]:
        """Yield the JSON objects of a streamed reply: one a line, after the prefix.

        Other lines are no sign of life: keep-alive lines come even from an engine that hangs.
        """
        heard = time.monotonic()
        try:
            for line in reply:
                if time.monotonic() - heard > self.patience_s:
                    raise EngineDiedError(f"{self.name} was silent for {self.patience_s} s")
                if line.startswith(prefix) and line.strip():
                    event = json.loads(line[len(prefix) :])
                    heard = time.monotonic()
                    yield event
        except (OSError, HTTPException, ValueError) as error:
            raise EngineDiedError(
                f"{self.name} died in the middle of an answer: {error}"
            ) from error
