"""The program run_model in its image, with llama.cpp and SmolLM2: real, end to end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.core.files import read_json
from assay.core.records import RESPONSES, TASKS, TELEMETRY
from assay.core.settings import read_yaml
from assay.core.tables import read_table, write_table
from assay.images.apptainer import locate
from assay.images.names import image_name
from assay.images.store import cache_root, container_path
from assay.sandbox.watch import descendants

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("model")]

ROOT = Path(__file__).parents[2]
MODEL = "smollm2-135m"
PROMPTS = (
    ("Write a Python function that adds two numbers.", 24),
    ("Say hello.", 48),
    ("What is two plus two? Answer with one word.", 200),
    ("word " * 9000, 16),
)


@dataclass
class RealRun:
    """One run of the program by Apptainer, in a folder of its own."""

    folder: Path
    threads: int = 2
    against: bool = False  # of published.parquet in the folder

    def start(self) -> subprocess.Popen[str]:
        image = image_name("engine-llamacpp", ROOT)
        model = read_yaml(ROOT / "config" / "models" / f"{MODEL}.yaml")
        model["parameters"]["threads"] = self.threads
        weights = cache_root() / "weights" / model["weights"]["sha256"]
        command = [
            locate(cache_root()) / "apptainer", "--silent", "exec", "--userns", "--containall",
            "--cleanenv", "--net", "--network", "none", "--home", self.folder,
            container_path(cache_root(), image), "python3", "scripts/run_model.py",
            "--model", MODEL, "--image", image, "--tasks", "tasks.parquet",
            "--receipt", "receipt.json", "--weights", weights,
            "--settings", json.dumps({"model": model, "seed": 1}),
            "--responses", "m/responses.parquet", "--telemetry", "t/telemetry.parquet",
            "--fingerprint", "t/fingerprint.json",
            *(["--against", "published.parquet"] if self.against else []),
        ]  # fmt: skip
        path = os.pathsep.join([str(locate(cache_root())), os.environ["PATH"]])
        bind = f"{cache_root()}:{cache_root()}:ro"
        environment = {**os.environ, "PATH": path, "APPTAINER_BIND": bind}
        return subprocess.Popen(
            list(map(str, command)), cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def finish(self, child: subprocess.Popen[str]) -> None:
        said, _ = child.communicate(timeout=1500)
        assert child.returncode == 0, said

    def run(self) -> RealRun:
        self.finish(self.start())
        return self

    @property
    def bytes(self) -> bytes:
        return (self.folder / "m" / "responses.parquet").read_bytes()

    def rows(self) -> list[dict]:
        return read_table(self.folder / "m" / "responses.parquet", RESPONSES)

    def fingerprint(self) -> dict:
        return read_json(self.folder / "t" / "fingerprint.json")


@pytest.fixture(scope="module")
def receipt(tmp_path_factory) -> Path:
    """The receipt of the real weights, which the program puts into the cache if they are not."""
    path = tmp_path_factory.mktemp("weights") / "receipt.json"
    settings = json.dumps({"model": read_yaml(ROOT / "config" / "models" / f"{MODEL}.yaml")})
    program = ROOT / "scripts" / "fetch_model.py"
    command = [sys.executable, program, "--model", MODEL, "--receipt", path]
    subprocess.run([*command, "--settings", settings], check=True)
    return path


@pytest.fixture(scope="module")
def real_run(receipt, task, tmp_path_factory):
    def make(**options) -> RealRun:
        folder = tmp_path_factory.mktemp("real")
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        shutil.copy(receipt, folder / "receipt.json")
        rows = [task(n, text, max_tokens=most) for n, (text, most) in enumerate(PROMPTS)]
        write_table(folder / "tasks.parquet", TASKS, rows)
        return RealRun(folder, **options)

    return make


@pytest.fixture(scope="module")
def finished(real_run):
    return real_run().run()


def test_answers_are_whole_and_the_prompt_that_does_not_fit_is_void(finished):
    rows = finished.rows()
    assert [row["finish_reason"] for row in rows] == ["length", "stop", "stop", "error"]
    assert [row["void"] is None for row in rows] == [True, True, True, False]
    assert "do not fit into the context of 8192" in rows[3]["void"]
    assert [row["cached_tokens"] for row in rows] == [0] * 4
    assert rows[0]["completion_tokens"] == 24
    assert all(0 < row["completion_tokens"] < 200 for row in rows[1:3])
    assert "def add" in rows[0]["response"]
    times = read_table(finished.folder / "t" / "telemetry.parquet", TELEMETRY)
    for row in times[:3]:
        assert 0 < row["ttft_us"] < row["latency_us"]
        assert row["prompt_us"] > 0 < row["decode_us"]


def test_the_engine_repeats_itself_and_the_probe_is_short(finished):
    measured = finished.fingerprint()["measured"]
    assert {row["deterministic"] for row in finished.rows()} == {True}
    assert measured["probe"]["different"] == 0
    assert measured["probe"]["cached_tokens"] == 0
    assert min(measured["probe"]["times"]["ttft_us"].values()) > 0
    spent = measured["stream"]
    assert spent["answers"] == 3, "the void one is not counted"
    assert 0 < spent["engine_us"] < spent["wall_us"]
    seconds = measured["probe"]["duration_us"] / 1e6
    overhead = spent["wall_us"] / spent["engine_us"] - 1
    print(f"probe {seconds:.1f} s, overhead {100 * overhead:.2f} %", measured["probe"]["times"])


def test_the_same_run_gives_the_same_bytes(finished, real_run):
    again = real_run().run()
    assert again.bytes == finished.bytes
    assert again.fingerprint()["id"] == finished.fingerprint()["id"]


def test_an_answer_that_is_not_the_published_one_tells_how_sure_it_was(finished, real_run):
    """The same bytes come out; what the two likeliest tokens were is told where they differ."""
    run, rows = real_run(against=True), finished.rows()
    begin = rows[0]["response"].index("def add")
    rows[0]["response"] = rows[0]["response"].replace("def add", "class add")
    write_table(run.folder / "published.parquet", RESPONSES, rows)
    assert run.run().bytes == finished.bytes
    (found,) = read_json(run.folder / "t" / "margins.json")["margins"]
    assert (found["task_id"], found["part"], found["character"]) == ("task000", "response", begin)
    assert found["token"] in finished.rows()[0]["response"][begin - 1 :]
    assert found["other"] != found["token"]
    assert found["nats"] > 0


def test_one_thread_gives_the_same_text_under_another_fingerprint(finished, real_run):
    single = real_run(threads=1).run()
    texts = [[(row["response"], row["completion_tokens"]) for row in run.rows()]
             for run in (finished, single)]  # fmt: skip
    assert texts[0] == texts[1]
    assert single.fingerprint()["id"] != finished.fingerprint()["id"]


def test_the_fingerprint_holds_what_the_design_asks_for(finished):
    found = finished.fingerprint()["fingerprint"]
    weights = read_yaml(ROOT / "config" / "models" / f"{MODEL}.yaml")["weights"]
    assert found["weights_sha256"] == weights["sha256"]
    assert len(found["binary_sha256"]) == 64
    assert found["version"]
    assert "AVX" in found["system"] or "NEON" in found["system"]
    assert (found["context"], found["layers_offloaded"]) == (8192, [0, 0])
    assert found["arguments"]["n_parallel"] == 1
    assert found["arguments"]["cache_prompt"] is False
    assert found["sampler"]["temperature"] == 0
    assert str(finished.folder) not in json.dumps(found)


def test_a_server_killed_in_the_middle_is_started_anew_and_the_bytes_are_the_same(
    finished, real_run
):
    run = real_run()
    child = run.start()
    limit = time.monotonic() + 120
    while not (found := journal_lines(run)):
        assert time.monotonic() < limit
        assert child.poll() is None
        time.sleep(0.05)
    assert found < len(PROMPTS)
    servers = [pid for pid in descendants(child.pid, 1000)[0] if is_server(pid)]
    assert len(servers) == 1
    os.kill(servers[0], signal.SIGKILL)
    run.finish(child)
    assert any("started anew" in event for event in run.fingerprint()["measured"]["events"])
    assert run.bytes == finished.bytes


def journal_lines(run: RealRun) -> int:
    journals = list((run.folder / "m").glob(".*.journal"))
    return len(journals[0].read_bytes().splitlines()) if journals else 0


def is_server(pid: int) -> bool:
    try:
        return b"_llamacpp_server.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False
