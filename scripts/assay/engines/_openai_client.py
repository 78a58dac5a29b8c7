"""HTTP to a server with OpenAI's chat completions: streamed answers, and what it says of itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from assay.core.errors import UserError
from assay.engines.base import EngineDiedError

PATIENCE_S = 1800
CONNECT_S = 30
DATA, DONE = b"data:", b"[DONE]"
SHOWN = 400
# Servers that fail are not asked to answer otherwise; what they refuse is the request's fault.
REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY)  # fmt: skip


class Refused(EngineDiedError):  # noqa: N818 (an answer of the server, not an error of ours)
    """The server refused a request, and says why."""


@dataclass
class Streamed:
    """A streamed answer. Times in microseconds; usage is None where the server sent none."""

    text: str = ""
    thinking: str = ""
    finish: str | None = None
    usage: Mapping[str, Any] | None = None
    latency_us: int = 0
    ttft_us: int | None = None

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take one event; say whether it brought text."""
        self.usage = event.get("usage") or self.usage
        brought = False
        for choice in event.get("choices", ()):
            delta = choice.get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning") or ""
            text = delta.get("content") or ""
            self.text, self.thinking = self.text + text, self.thinking + thought
            self.finish = choice.get("finish_reason") or self.finish
            brought = brought or bool(text or thought)
        return brought


class Client:
    """One session with the server; no proxy, no cookie, no setting from the environment."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.url = str(parameters["url"]).rstrip("/")
        self.patience_s = parameters.get("patience_s", PATIENCE_S)
        self.session = requests.Session()
        self.session.trust_env = False
        name = parameters.get("key_env")
        if name:
            self.session.headers["Authorization"] = f"Bearer {_key(name)}"

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def get(self, path: str) -> dict[str, Any]:
        """Return what the server answers to GET; raise EngineDiedError if it does not."""
        return self._json(self._send("GET", f"{self.url}/{path}"))

    def version(self) -> str | None:
        """Return the version that the server tells (vLLM and Ollama do), or None."""
        parts = urlsplit(self.url)
        root = parts.path.removesuffix("/v1")
        for path in ("/version", "/api/version"):
            place = urlunsplit((parts.scheme, parts.netloc, root + path, "", ""))
            try:
                found = self._json(self._send("GET", place))
            except EngineDiedError:
                continue
            if isinstance(found.get("version"), str):
                return str(found["version"])
        return None

    def complete(self, body: Mapping[str, Any]) -> Streamed:
        """Stream one answer to its end; raise Refused, or EngineDiedError if it breaks off."""
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
        found, began = Streamed(), time.monotonic_ns()
        with self._send("POST", f"{self.url}/chat/completions", asked) as reply:
            for event in self._events(reply):
                if found.take(event) and found.ttft_us is None:
                    found.ttft_us = (time.monotonic_ns() - began) // 1000
        found.latency_us = (time.monotonic_ns() - began) // 1000
        return found

    def likeliest(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the tokens of an answer, each with the two likeliest at its place."""
        asked = {**body, "stream": False, "logprobs": True, "top_logprobs": 2}
        answer = self._json(self._send("POST", f"{self.url}/chat/completions", asked))
        told = (answer.get("choices") or [{}])[0].get("logprobs") or {}
        return list(told.get("content") or ())

    def _events(self, reply: requests.Response) -> Iterator[dict[str, Any]]:
        try:
            for line in reply.iter_lines():
                if not line.startswith(DATA):
                    continue
                data = line[len(DATA) :].strip()
                if data == DONE:
                    return
                event = json.loads(data)
                if "error" in event:
                    raise EngineDiedError(f"the server failed: {str(event['error'])[:SHOWN]}")
                yield event
        except (requests.RequestException, ValueError) as error:
            raise EngineDiedError(f"the server broke off an answer: {error}") from error
        raise EngineDiedError("the server broke off an answer")

    def _send(self, method: str, url: str, body: Any = None) -> requests.Response:
        try:
            reply = self.session.request(
                method, url, json=body, stream=True, timeout=(CONNECT_S, self.patience_s),
                allow_redirects=False,
            )  # fmt: skip
            if reply.status_code == HTTPStatus.OK:
                return reply
            said = reply.content.decode("utf-8", "replace")[:SHOWN]
        except requests.RequestException as error:
            raise EngineDiedError(f"the server does not answer: {error}") from error
        if reply.status_code in REFUSALS:
            raise Refused(said)
        raise EngineDiedError(f"the server answered with {reply.status_code}: {said}")

    @staticmethod
    def _json(reply: requests.Response) -> dict[str, Any]:
        try:
            found = reply.json()
        except requests.RequestException as error:
            raise EngineDiedError(f"the server does not speak JSON: {error}") from error
        if not isinstance(found, dict):
            raise EngineDiedError("the server does not speak as it should: no JSON object")
        return found


def _key(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UserError(
            "the API key is missing", where=f"environment variable {name}",
            expected="the key of the server that the model file names",
            hint=f"export {name}=… before the run",
        )  # fmt: skip
    return value
