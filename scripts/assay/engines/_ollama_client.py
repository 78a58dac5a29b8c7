"""Ollama's HTTP API, as its own `docs/api.md` and `docs/openapi.yaml` describe it.

What this asks for: /api/version, /api/tags, /api/blobs, /api/create, /api/show, /api/ps, and
/api/generate without a prompt (which loads or unloads) and /api/chat. Durations are nanoseconds.
A number that is zero is left out of a reply.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.engines._http import Link, RefusedError
from assay.engines.base import EngineDiedError

POLL_S, LONGEST_POLL_S = 0.02, 0.5
UNLOAD_S = 60
FOREVER = -1  # keep_alive: until it is told otherwise
PARTS = ("thinking", "content")
_TOO_LONG = re.compile(r"(exceed|longer).*context|context.*(exceed|longer)", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """A streamed message: its two texts, the last event, and times in microseconds.

    choices: (part, length of the part's text up to the token's end, what is told of the token);
             empty if it was not asked for
    """

    thinking: str
    content: str
    last: Mapping[str, Any]
    latency_us: int
    ttft_us: int | None
    choices: tuple[tuple[str, int, Mapping[str, Any]], ...] = ()


class Api:
    """One model of one server."""

    def __init__(self, link: Link, model: str) -> None:
        self.link, self.model = link, model

    def version(self) -> str:
        """Return the server's version."""
        return str(self.link.ask("GET", "/api/version")["version"])

    def require_model(self) -> None:
        """Raise UserError unless the server has the model."""
        known = [entry["name"] for entry in self.link.ask("GET", "/api/tags")["models"]]
        if not {self.model, f"{self.model}:latest"} & set(known):
            raise UserError(
                "the server has no such model", where=f"{self.link.address}/api/tags",
                given=self.model, expected=" | ".join(sorted(known)) or "a model; it has none",
                hint="`ollama list` names what is there, `ollama create` makes one of a file",
            )  # fmt: skip

    def create(self, weights: Path, sha256: str, stated: Mapping[str, str]) -> None:
        """Make the model of a GGUF file; push the file only where the server has it not."""
        digest = f"sha256:{sha256}"
        try:
            self.link.send("HEAD", f"/api/blobs/{digest}", None, {}).close()
        except RefusedError as error:
            if error.status != 404:
                raise
            headers = {"Content-Length": str(weights.stat().st_size)}
            with weights.open("rb") as stream:
                self.link.send("POST", f"/api/blobs/{digest}", stream, headers).close()
        files = {"model.gguf": digest}
        body = {"model": self.model, "files": files, "stream": False, **stated}
        status = self.link.ask("POST", "/api/create", body).get("status")
        if status != "success":
            raise EngineDiedError(f"Ollama made no model of the weights ({status})")

    def show(self) -> dict[str, Any]:
        """Return what the server says of the model: template, parameters, capabilities."""
        return self.link.ask("POST", "/api/show", {"model": self.model})

    def loaded(self) -> list[dict[str, Any]]:
        """Return what is in memory; {size, size_vram, context_length, …} each."""
        return list(self.link.ask("GET", "/api/ps").get("models") or [])

    def load(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Load the model until it is told otherwise, into an empty server; return its entry."""
        self.unload()
        order = {**body, "model": self.model, "stream": False, "keep_alive": FOREVER}
        self.link.ask("POST", "/api/generate", order)
        entries = self.loaded()
        if len(entries) != 1:
            raise EngineDiedError(f"Ollama holds {len(entries)} models after it loaded one")
        return entries[0]

    def unload(self) -> None:
        """Have every model leave the memory, and its prompt cache with it; wait until it has."""
        began, pause, told = time.monotonic(), POLL_S, list[str]()
        while entries := self.loaded():
            for name in [entry["name"] for entry in entries if entry["name"] not in told]:
                self.link.ask("POST", "/api/generate", {"model": name, "keep_alive": 0})
                told.append(name)
            if time.monotonic() - began > min(UNLOAD_S, self.link.patience_s):
                raise EngineDiedError(
                    "Ollama keeps a model loaded that was to leave: its prompt cache would be warm"
                )
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_S)

    def chat(self, body: Mapping[str, Any]) -> Told:
        """Stream one message to its end, and unload; EngineDiedError if it breaks off."""
        order = {**body, "model": self.model, "stream": True, "keep_alive": 0}
        began = time.monotonic_ns()
        first: int | None = None
        texts = dict.fromkeys(PARTS, "")
        choices: list[tuple[str, int, Mapping[str, Any]]] = []
        with self.link.open("POST", "/api/chat", order) as reply:
            for event in self.link.events(reply):
                if "message" not in event:
                    raise EngineDiedError(f"Ollama failed: {event.get('error', event)}")
                for part in PARTS:
                    said = event["message"].get(part) or ""
                    choices += _placed(part, len(texts[part]), said, event)
                    texts[part] += said
                if first is None and any(texts.values()):
                    first = time.monotonic_ns()
                if event["done"]:
                    ended = time.monotonic_ns()
                    ttft = None if first is None else (first - began) // 1000
                    took = (ended - began) // 1000
                    return Told(**texts, last=event, latency_us=took, ttft_us=ttft,
                                choices=tuple(choices))  # fmt: skip
        raise EngineDiedError("Ollama broke off an answer")


def too_long(error: RefusedError) -> bool:
    """Tell whether a server refused a prompt since it does not fit into the context."""
    return error.status == 400 and bool(_TOO_LONG.search(error.said))


def said_by(error: RefusedError) -> str:
    """Return the text of a refusal, {"error": text}."""
    try:
        return str(json.loads(error.said)["error"])
    except (ValueError, KeyError, TypeError):
        return error.said.strip()


def _placed(
    part: str, start: int, said: str, event: Mapping[str, Any]
) -> list[tuple[str, int, Mapping[str, Any]]]:
    """Return an event's tokens with their ends; the last one ends where the event's text does."""
    found, end = [], start
    for one in event.get("logprobs") or () if said else ():
        end = min(end + len(one["token"]), start + len(said))
        found.append((part, end, one))
    return found
