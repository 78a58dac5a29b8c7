"""Rows of tasks and keys, requests, a library with a fake engine in it, and runs of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.core.files import read_json, sha256_file, sha256_text, write_json
from assay.core.records import RESPONSES, TASKS
from assay.core.tables import read_table, write_table
from assay.engines.base import Request

HERE = Path(__file__).parent
CATEGORIES = ("code_generation", "code_understanding", "security_audit")
# What decides the memory in the published `config.json` of google/gemma-4-31B-it and of
# Qwen/Qwen3.6-35B-A3B, as public repositories quote them in their tests.
_GEMMA4 = {
    "num_hidden_layers": 60, "hidden_size": 5376, "intermediate_size": 21_504,
    "num_attention_heads": 32, "num_key_value_heads": 16, "num_global_key_value_heads": 4,
    "head_dim": 256, "global_head_dim": 512, "attention_k_eq_v": True, "sliding_window": 1024,
    "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 10,
    "vocab_size": 262_144, "max_position_embeddings": 262_144,
}  # fmt: skip
_QWEN36 = {
    "num_hidden_layers": 40, "hidden_size": 2048, "num_attention_heads": 16,
    "num_key_value_heads": 2, "head_dim": 256, "full_attention_interval": 4,
    "linear_num_key_heads": 16, "linear_key_head_dim": 128, "linear_num_value_heads": 32,
    "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4, "vocab_size": 248_320,
    "max_position_embeddings": 262_144, "moe_intermediate_size": 512, "num_experts_per_tok": 8,
    "shared_expert_intermediate_size": 512,
}  # fmt: skip
PROGRAM = """
import json, sys
from pathlib import Path
from assay.core import program
from assay.core.errors import AssayError
from assay.engines._outputs import Outputs
from assay.engines._step import Inputs, run_model
given = json.load(sys.stdin)
paths = lambda names: tuple(map(Path, names))
inputs = Inputs(paths(given["tasks"]), paths(given["keys"]), Path(given["receipt"]),
                Path(given["weights"]), Path(given["against"]) if given["against"] else None,
                known=Path(given["known"]) if given["known"] else None)
try:
    run_model(given["model"], given["settings"], inputs, Outputs(*paths(given["outputs"])))
except AssayError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def _task(number: int, prompt: str, **other) -> dict:
    return {
        "target": "t", "task_id": f"task{number:03}", "category": CATEGORIES[number % 3],
        "stratum": "standard", "path": "a.py", "qualname": "f", "prompt": prompt,
        "prompt_sha256": sha256_text(prompt), "max_tokens": 16, **other,
    }  # fmt: skip


def _key(task: dict, answer: str) -> dict:
    same = {name: task[name] for name in ("target", "task_id", "category", "stratum")}
    return {
        **same, "unit_id": "a.py::f", "kind": "bug", "is_control": False, "operator": "",
        "accepted_lines": [1], "reference_answer": answer, "oracle_killed": 0,
        "oracle_sampled": 0, "key_json": "{}", "proof_json": "{}",
    }  # fmt: skip


def _request(prompt: str, number: int = 0, **other) -> Request:
    row = _task(number, prompt, **other)
    return Request(**{name: row[name] for name in Request.__annotations__})


@pytest.fixture
def published() -> dict[str, dict]:
    """Configs of large models, by name: what decides their memory."""
    return {"gemma-4-31b": dict(_GEMMA4), "qwen3.6-35b-a3b": dict(_QWEN36)}


@pytest.fixture(scope="session")
def task():
    return _task


@pytest.fixture(scope="session")
def key():
    return _key


@pytest.fixture(scope="session")
def request_of():
    return _request


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Path:
    """A copy of the library that has one more plug-in, the engine `fake`."""
    folder = tmp_path_factory.mktemp("library")
    source = HERE.parents[1] / "scripts" / "assay"
    shutil.copytree(source, folder / "assay", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "fakes" / "fake_engine.py", folder / "assay" / "engines" / "fake.py")
    return folder


@dataclass
class FakeRun:
    """One run of the step with the engine `fake`, as a process of its own, in a real view."""

    library: Path
    root: Path
    tasks: list[dict]
    weights_text: str = "fake weights"
    delay_s: float = 0
    against: Path | None = None
    known: Path | None = None  # the response cache's folder of the weights
    habits: tuple[str, ...] = ()  # of the fake engine; see there
    gpu_layers: int = 0
    snapshot: dict[str, str] | None = None  # name -> text of the weights' files; else one file

    def prepare(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        write_table(self.root / "tasks.parquet", TASKS, self.tasks)
        self.weights.write_text(self.weights_text)
        digest, size = sha256_file(self.weights), self.weights.stat().st_size
        stated = {"sha256": digest, "size": size}
        if self.snapshot:
            stated["files"] = [self._kept(name, text) for name, text in self.snapshot.items()]
        write_json(self.root / "receipt.json", {"weights": stated})

    def _kept(self, name: str, text: str) -> dict:
        digest = sha256_text(text)
        (self.root / digest).write_text(text)
        return {"file": name, "sha256": digest, "size": len(text.encode())}

    @property
    def parameters(self) -> dict:
        return {"delay_s": self.delay_s, "habits": self.habits, "gpu_layers": self.gpu_layers}

    @property
    def weights(self) -> Path:
        return self.root / "weights.bin"

    @property
    def responses(self) -> Path:
        return self.root / "run_model" / "m" / "responses.parquet"

    @property
    def telemetry(self) -> Path:
        return self.root / "telemetry" / "run_model" / "m"

    @property
    def journals(self) -> list[Path]:
        return sorted(self.responses.parent.glob(".*.journal"))

    def rows(self) -> list[dict]:
        return read_table(self.responses, RESPONSES)

    def asked(self) -> list[str]:
        """Return the tasks that the engine was asked, without the probe's prompts."""
        lines = (self.telemetry / "engine.log").read_text().splitlines()
        return [line.split()[1] for line in lines if line.startswith("asked task")]

    def fingerprint(self) -> dict:
        return read_json(self.telemetry / "fingerprint.json")

    def start(self, **options) -> subprocess.Popen[str]:
        order = {
            "model": "m", "tasks": [str(self.root / "tasks.parquet")], "keys": [],
            "against": str(self.against or ""), "known": str(self.known or ""),
            "receipt": str(self.root / "receipt.json"), "weights": str(self.weights),
            "settings": {
                "seed": 1, "model": {"engine": "fake", "parameters": self.parameters},
            },
            "outputs": [
                str(self.responses), str(self.telemetry / "telemetry.parquet"),
                str(self.telemetry / "fingerprint.json"),
            ],
        }  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(self.library), "SECRET": "a canary of ours"}
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment, **options,
        )  # fmt: skip
        child.stdin.write(json.dumps(order))
        child.stdin.close()
        child.stdin = None
        return child

    def run(self, **options) -> tuple[int, str]:
        child = self.start(**options)
        _, said = child.communicate(timeout=600)
        return child.returncode, said


@pytest.fixture(scope="session")
def fake_run_at(library):
    """Make a run in a folder: `fake_run_at(folder, tasks)`."""

    def make(root: Path, tasks: list[dict], **options) -> FakeRun:
        made = FakeRun(library, root, tasks, **options)
        made.prepare()
        return made

    return make


@pytest.fixture
def fake_run(fake_run_at, tmp_path):
    """Make a run below the test's own folder: `fake_run(tasks)`."""

    def make(tasks: list[dict], name: str = "r", **options) -> FakeRun:
        return fake_run_at(tmp_path / name, tasks, **options)

    return make
