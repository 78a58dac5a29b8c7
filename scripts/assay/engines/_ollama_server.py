"""`ollama serve` as a child on loopback, with a store of its own; or a server that runs already."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from assay.core.errors import UserError
from assay.core.files import sha256_file
from assay.engines._http import Link, free_port
from assay.engines._log import Log
from assay.engines._ollama_client import POLL_S, Api
from assay.engines.base import EngineDiedError

PROGRAM = "ollama"
MODEL = "assay"  # the name that the weights get in the child's own store
PATIENCE_S = 1800
STOP_S = 10
OURS = ("OLLAMA_", "LLAMA_ARG_", "GGML_")
STATED = ("template", "renderer", "parser")
_OFFLOADED = re.compile(rb"offloaded (\d+)/(\d+) layers")
_DEVICE = re.compile(r'msg="inference compute" (.*)')
_FIELD = re.compile(r'(\w+)=("[^"]*"|\S*)')
# What a device is; not how much of it is free, nor its serial number.
KEPT = ("library", "compute", "name", "description", "driver")


class Server:
    """One child process; `about` is what decides the text of its answers, by what is known."""

    def __init__(self, weights: Path, parameters: Mapping[str, Any], log: IO[bytes]) -> None:
        self.weights, self.parameters, self.log = weights, dict(parameters), Log(log)
        self.link = Link("Ollama", parameters.get("patience_s", PATIENCE_S))
        self.api = Api(self.link, MODEL)
        self.about: dict[str, Any] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None

    def start(self) -> None:
        """Start the child and make the model; raise EngineDiedError if it does not come up."""
        self.stop()
        program, sha256 = find_program(), digest_of(self.weights)
        self._home = Path(tempfile.mkdtemp(prefix="ollama-"))
        _place(self.weights, sha256, self._home / "models")
        self.log.mark()
        port = free_port()
        self.link.address = f"http://127.0.0.1:{port}"
        self._child = subprocess.Popen(
            [program, "serve"], stdin=subprocess.DEVNULL, stdout=self.log.stream,
            stderr=self.log.stream, env=self._environment(port), start_new_session=True,
        )  # fmt: skip
        version = self._await()
        stated = {name: self.parameters[name] for name in STATED if self.parameters.get(name)}
        self.api.create(self.weights, sha256, stated)
        self.about = {
            "version": version, "binary_sha256": digest_of(Path(program)),
            "libraries_sha256": libraries_digest(Path(program)),
            "arguments": {"command": ["serve"], "environment": environment(self.parameters)},
            "devices": devices(self.log.since_start().decode("utf-8", "replace")),
        }  # fmt: skip

    def stop(self) -> None:
        """End the child and its runners, and remove its store."""
        child, self._child = self._child, None
        if child is not None:
            # The runners are in its group, and outlive it if it was killed.
            _signal(child, signal.SIGTERM)
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.wait(STOP_S)
            _signal(child, signal.SIGKILL)
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Return the child's process id; raise EngineDiedError if there is no child."""
        if self._child is None:
            raise EngineDiedError("Ollama is not running")
        return self._child.pid

    @property
    def layers_offloaded(self) -> tuple[int, int]:
        """Return (layers on a GPU, layers of the model) by the log; (0, 0) where it says none."""
        found = _OFFLOADED.findall(self.log.since_start())
        return (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)

    def _environment(self, port: int) -> dict[str, str]:
        home = str(self._home)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {
            **kept, **environment(self.parameters), "HOME": home,
            "OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_MODELS": f"{home}/models",
            "OLLAMA_LOAD_TIMEOUT": f"{self.link.patience_s}s",
        }  # fmt: skip

    def _await(self) -> str:
        began = time.monotonic()
        while self._child is not None and self._child.poll() is None:
            try:
                return self.api.version()
            except EngineDiedError as error:
                if time.monotonic() - began > self.link.patience_s:
                    raise self._failed(f"no word within {self.link.patience_s} s") from error
            time.sleep(POLL_S)
        raise self._failed("it ended")

    def _failed(self, reason: str) -> EngineDiedError:
        self.stop()
        said = self.log.last_words()
        return EngineDiedError(f"Ollama did not start ({reason}); its last words:\n{said}")


class Attached:
    """A server that runs already, whose settings and binary are not known; for the tests."""

    layers_offloaded = (0, 0)

    def __init__(self, address: str, model: str, patience_s: float = PATIENCE_S) -> None:
        self.link = Link("Ollama", patience_s, address)
        self.api = Api(self.link, model)
        self.about: dict[str, Any] = {}

    def start(self) -> None:
        """See that the server answers and has the model, and that nothing is loaded."""
        self.about = {"version": self.api.version()}
        self.api.require_model()
        self.api.unload()

    def stop(self) -> None:
        """Leave the server running, with nothing loaded."""
        self.api.unload()


def environment(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the server's settings: nothing is left to the machine's own choice."""
    return {
        "OLLAMA_NUM_PARALLEL": str(parameters["parallel"]),
        "OLLAMA_MAX_LOADED_MODELS": str(parameters["max_loaded_models"]),
        "OLLAMA_FLASH_ATTENTION": str(int(parameters["flash_attention"])),
        "OLLAMA_KV_CACHE_TYPE": parameters["kv_type"],
        "OLLAMA_CONTEXT_LENGTH": str(parameters["context"]),
        # Layers are ours to place, not to be fitted to what memory happens to be free.
        "LLAMA_ARG_FIT": "off",
        "OLLAMA_NO_CLOUD": "1", "OLLAMA_NOHISTORY": "1", "OLLAMA_NOPRUNE": "1",
    }  # fmt: skip


def find_program() -> str:
    """Return the path of `ollama`; raise UserError if there is none."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise UserError(
            "there is no program `ollama` here", where="PATH", expected="Ollama in the image",
            hint="see docs/engines.md: the model file's `image` must name a recipe that holds it",
        )  # fmt: skip
    return found


def digest_of(path: Path) -> str:
    """Return the hex SHA-256 of a file, which is read again only if it has changed."""
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


@functools.cache
def _digest(path: Path, size: int, changed: int) -> str:
    del size, changed
    return sha256_file(path)


@functools.cache
def libraries_digest(program: Path) -> str | None:
    """Return a digest over names and contents of Ollama's libraries and runners; None: none."""
    folder = program.resolve().parent.parent / "lib" / PROGRAM
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    state = hashlib.sha256()
    for path in files:
        state.update(f"{path.relative_to(folder)}\0{sha256_file(path)}\n".encode())
    return state.hexdigest() if files else None


def devices(said: str) -> list[dict[str, str]]:
    """Return what the server's log says of each device that it computes on."""
    fields = [dict(_FIELD.findall(line)) for line in _DEVICE.findall(said)]
    return [{name: one[name].strip('"') for name in KEPT if name in one} for one in fields]


def _place(weights: Path, sha256: str, store: Path) -> None:
    """Show the weights in the store, where a server finds a blob; one that does not is pushed."""
    (store / "blobs").mkdir(parents=True)
    (store / "blobs" / f"sha256-{sha256}").symlink_to(weights.absolute())


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return
