"""The engines that the one suite is run over: each against its fake, or one that runs already.

    make engine-test ENGINE=ollama URL=http://127.0.0.1:11434 MODEL=name
    make engine-test ENGINE=vllm MODEL=smollm2-135m-vllm

hand over an address, or run the suite in the engine's image with real weights (`in_image.py`), by
the environment: then the tests that need an engine that misbehaves on command are left out, prompts
are natural language, and a table is printed at the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from assay.core import registry
from assay.core.errors import UserError
from assay.core.files import sha256_text
from assay.engines import _ollama_server, ollama
from assay.engines.base import Engine, Request

FAKES = Path(__file__).parents[1] / "fakes"
FAKED = ("llamacpp", "ollama", "vllm")
LIVE = os.environ.get("ASSAY_ENGINE_TEST", "")  # a real engine
WEIGHTS = os.environ.get("ASSAY_ENGINE_WEIGHTS", "")  # what it is to load; else it runs already
TABLE = os.environ.get("ASSAY_ENGINE_TABLE", "")  # file to write: how each engine did
# Of a test with several cases the last kind counts: a failure before all.
KINDS = {"skipped": "not asked", "passed": "holds", "failed": "FAILS", "error": "FAILS"}
# What a fake is told by the first word, and what a model is asked to the same end.
SAID = {
    "plain": ("hello there", "What is the capital of France? Answer with its name alone."),
    "other": ("other words here", "Name the colour of grass in one word."),
    "endless": ("endless", "Write a long story about a fox in the snow."),
    "unicode": (
        "echo é — ü 漢字 🙂 e\u0301",
        "Repeat this text and say no more: é ü 漢字 🙂 e\u0301",
    ),
}


@dataclass(frozen=True)
class Subject:
    """One engine under test."""

    name: str
    plugin: ModuleType
    folder: Path
    live: bool

    def said(self, what: str) -> str:
        return SAID[what][self.live]

    def request(self, prompt: str, number: int = 0, max_tokens: int = 16) -> Request:
        digest = sha256_text(prompt)
        name = f"task{number:03}"
        return Request("t", name, "code_generation", prompt, digest, max_tokens)

    @contextmanager
    def open(self, weights: str = "fake", **parameters) -> Iterator[Engine]:
        """Open the engine; parameters over the plug-in's own example."""
        own = {"patience_s": 1800 if WEIGHTS else 300}
        if "gpu_layers" in self.plugin.EXAMPLES[0]:
            own["gpu_layers"] = int(os.environ.get("GPU_LAYERS") or 0)
        chosen = {
            **self.plugin.EXAMPLES[0],
            **(own if self.live else {"patience_s": 60}),
            **parameters,
        }
        settings = {"model": "m", "seed": 7, "parameters": chosen}
        if self.live and not WEIGHTS:
            with attached(self.name, settings) as engine:
                yield engine
            return
        with (
            self.log.open("ab") as log,
            self.plugin.open_engine(settings, self.weights(weights), log) as engine,
        ):
            yield engine

    def weights(self, word: str) -> Path:
        """Weights that tell the fake by a word how its start is to go: a file, or a snapshot."""
        if self.live:
            return Path(WEIGHTS)
        path = self.folder / "weights"
        if self.name != "vllm":
            path.write_text(word)
            return path
        path.mkdir(exist_ok=True)
        template = "user: {{ content }}" + "{{ strftime_now('%d') }}" * (word == "dated")
        (path / "config.json").write_text(json.dumps({"word": word}))
        (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
        return path

    @property
    def log(self) -> Path:
        return self.folder / "engine.log"


@contextmanager
def attached(name: str, settings: dict) -> Iterator[Engine]:
    """The engine on a server that runs already."""
    if name != "ollama":
        raise UserError(
            "this engine starts its own server", given=name, expected="ollama",
            hint="the suite runs it against its fake: pytest tests/engines/conformance",
        )  # fmt: skip
    server = _ollama_server.Attached(os.environ["URL"], os.environ["MODEL"])
    engine = ollama.Ollama(settings, server)
    engine.restart()
    try:
        yield engine
    finally:
        engine.server.stop()


@pytest.fixture(params=[LIVE] if LIVE else FAKED)
def subject(request, tmp_path, monkeypatch) -> Subject:
    """An engine: against its fake, or live."""
    if not LIVE:
        monkeypatch.setenv("PYTHONPATH", str(FAKES))
        monkeypatch.setenv("PATH", f"{FAKES}{os.pathsep}{os.environ['PATH']}")
    plugin = registry.load("engines", request.param)
    return Subject(request.param, plugin, tmp_path, bool(LIVE))


@pytest.fixture
def fake(subject) -> Subject:
    """An engine that misbehaves on command."""
    if subject.live:
        pytest.skip("needs an engine that misbehaves on command")
    return subject


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what a real engine was asked, and how it did; write it for `table.py` if told where."""
    found: dict[str, dict[str, str]] = {}  # engine -> what it has to do -> how it did
    for kind, said in KINDS.items():
        for report in terminalreporter.stats.get(kind, []):
            if "conformance" in report.nodeid and (report.when == "call" or kind != "passed"):
                name, engine = _asked(report.nodeid)
                if engine and LIVE in ("", engine):
                    found.setdefault(engine, {})[name] = said
    if TABLE:
        Path(TABLE).parent.mkdir(parents=True, exist_ok=True)
        Path(TABLE).write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
    if LIVE:
        place = "its image" if WEIGHTS else f"{os.environ['URL']}, model {os.environ['MODEL']}"
        terminalreporter.section(f"{LIVE} at {place}")
        rows = found.get(LIVE, {}).items()
        for name, said in sorted(rows, key=lambda pair: (pair[1], pair[0])):
            terminalreporter.write_line(f"{said:<10} {name}")


def _asked(test: str) -> tuple[str, str]:
    """Return what a test asks, in words, and of which engine ("" if of none)."""
    name, _, given = test.rsplit("::", maxsplit=1)[-1].partition("[")
    engine = next((known for known in FAKED if known in given.rstrip("]").split("-")), "")
    return name.removeprefix("test_").replace("_", " "), engine
