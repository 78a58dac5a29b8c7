"""What the engine vllm has of its own, beside the conformance suite: against a fake wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from assay.core.errors import UserError
from assay.core.files import sha256_text
from assay.engines import _vllm_convert, vllm
from assay.engines._answers import checked
from assay.engines._outputs import Outputs
from assay.engines._step import Inputs, view_of
from assay.engines._vllm_client import likely
from assay.engines._vllm_model import chat_template, files_digest
from assay.engines._vllm_server import arguments_of
from assay.engines.base import EngineDiedError

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
def snapshot(tmp_path) -> Path:
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "config.json").write_text('{"word": "fake"}')
    (folder / "chat_template.jinja").write_text("user: {{ content }}")
    return folder


@pytest.fixture
def opened(tmp_path, snapshot, monkeypatch):
    """Open the engine on a fake snapshot; parameters over the plug-in's own example."""
    monkeypatch.setenv("PYTHONPATH", str(FAKES))

    def make(weights=snapshot, **parameters):
        settings = {
            "model": "m", "seed": 2**31 + 7,
            "parameters": {**vllm.EXAMPLES[0], "patience_s": 60, **parameters},
        }  # fmt: skip
        return vllm.open_engine(settings, weights, (tmp_path / "engine.log").open("ab"))

    return make


def test_the_rendered_prompt_is_the_one_of_the_template(opened, request_of):
    with opened() as engine:
        answer = engine.answer(request_of("hello there"))
    assert answer.rendered_sha256 == sha256_text("user: hello there")


def test_thinking_that_the_template_has_opened_is_kept_apart(opened, request_of):
    with opened(template_values={"think": True}) as engine:
        answer = engine.answer(request_of("thinks"))
    assert (answer.thinking, answer.response) == ("hm", "yes")
    assert answer.rendered_sha256 == sha256_text("user: thinks <think>")


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("cached prompt", "5 prompt tokens came from a cache"),
        ("shortened prompt", "the engine read 2 of 3 prompt tokens"),
    ],
)
def test_what_is_no_measurement_is_void_and_says_why(opened, request_of, prompt, reason):
    with opened() as engine:
        assert checked(engine.answer(request_of(prompt))).void == reason


def test_an_error_within_the_stream_loses_the_engine(opened, request_of):
    with opened() as engine, pytest.raises(EngineDiedError, match="the fake failed"):
        engine.answer(request_of("failing"))


def test_the_fingerprint_holds_what_decides_the_text(opened, snapshot):
    with opened(threads=1) as engine:
        found = engine.fingerprint
        assert engine.measured["started_us"] > 0
    assert (found["version"], found["cpu"], found["devices"]) == ("fake-1", "FAKE", [])
    assert found["sampler"] == {**vllm.GREEDY, "seed": 7}
    assert found["fixed"]["truncate_prompt_tokens"] is None
    assert found["context"] == 2048
    assert found["model_sha256"] == files_digest(snapshot)
    assert found["chat_template_sha256"] == sha256_text("user: {{ content }}")
    assert len(found["binary_sha256"]) == 64
    for word in ("--no-enable-prefix-caching", "--no-trust-remote-code", "--enforce-eager"):
        assert word in found["arguments"]
    assert found["environment"]["OMP_NUM_THREADS"] == "1"
    assert found["environment"]["HF_HUB_OFFLINE"] == "1"


def test_the_digest_of_a_model_moves_with_each_file_and_each_name(snapshot):
    first = files_digest(snapshot)
    (snapshot / "config.json").rename(snapshot / "other.json")
    second = files_digest(snapshot)
    (snapshot / "other.json").write_text("{}")
    assert len({first, second, files_digest(snapshot)}) == 3


def test_settings_of_the_machine_do_not_reach_vllm(opened, monkeypatch, request_of):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("VLLM_TARGET_DEVICE", "rocm")
    with opened() as engine:
        child = Path("/proc", str(engine.server.pid), "environ").read_text().split("\0")
    assert "OMP_NUM_THREADS=2" in child
    assert "VLLM_TARGET_DEVICE=cpu" in child


def test_weights_that_are_neither_gguf_nor_a_folder_are_refused(opened, tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"PK\x03\x04 a pickle in an archive")
    with pytest.raises(UserError, match="can't load these weights"), opened(file):
        pass


def test_a_gguf_file_that_can_not_be_converted_says_so(opened, tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"GGUF and no more")
    with pytest.raises(EngineDiedError, match="could not be converted"), opened(file):
        pass


def test_the_template_is_the_named_one_or_the_model_s_own(snapshot):
    assert chat_template(snapshot, "named") == "named"
    assert chat_template(snapshot, None) == "user: {{ content }}"
    (snapshot / "chat_template.jinja").unlink()
    several = [{"name": "rag", "template": "no"}, {"name": "default", "template": "yes"}]
    settings = snapshot / "tokenizer_config.json"
    settings.write_text(json.dumps({"chat_template": several}))
    assert chat_template(snapshot, None) == "yes"
    settings.write_text("{}")
    with pytest.raises(UserError, match="no chat template"):
        chat_template(snapshot, None)


def test_a_batch_invariant_run_on_the_processor_is_refused():
    schema = Draft202012Validator(vllm.PARAMETERS)
    example = {**vllm.EXAMPLES[0], "batch_invariant": True}
    assert not schema.is_valid(example)
    assert schema.is_valid({**example, "device": "cuda"})


@pytest.mark.parametrize(("engine", "shown"), [("vllm", ["/proc/cpuinfo"]), ("llamacpp", [])])
def test_the_view_shows_the_one_file_that_torch_needs_and_to_no_other_engine(
    engine, shown, tmp_path
):
    outputs = Outputs(tmp_path / "r", tmp_path / "t" / "telemetry", tmp_path / "t" / "fingerprint")
    inputs = Inputs((), (), tmp_path / "receipt", None)
    _, view = view_of(engine, {}, None, inputs, outputs)
    assert [inside for _, inside in view.shown] == shown


def test_a_token_that_is_shown_only_with_the_next_ends_no_later_than_the_text():
    told = {"tokens": ["\ufffd\ufffd"], "token_logprobs": [-1.0], "top_logprobs": [{"a": -2.0}]}
    assert likely({"text": "", "logprobs": told}, 5)[0][0] == 5
    assert likely({"text": "abc"}, 5) == []


def test_the_server_ends_with_the_process_that_started_it(snapshot, tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom assay.engines import vllm\n"
        "settings = {'model': 'm', 'seed': 7, 'parameters': vllm.EXAMPLES[0]}\n"
        "with open(sys.argv[2], 'ab') as log:\n"
        "    with vllm.open_engine(settings, Path(sys.argv[1]), log) as engine:\n"
        "        print(engine.server.pid, flush=True)\n        sys.stdin.read()\n"
    )
    scripts = Path(vllm.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{FAKES}{os.pathsep}{scripts}"}
    command = [sys.executable, "-c", program, str(snapshot), str(tmp_path / "log")]
    parent = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    )
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(200):
        if not Path("/proc", str(pid)).exists() or "Z" in state_of(pid):
            return
        subprocess.run(["sleep", "0.05"], check=True)
    pytest.fail("the server outlives the process that started it")


def state_of(pid: int) -> str:
    return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]


def test_parts_for_images_are_left_out_where_the_model_file_says_so():
    plain = vllm.EXAMPLES[0]
    assert "--language-model-only" not in arguments_of(plain, 1)
    assert arguments_of({**plain, "language_only": True}, 1)[-1] == "--language-model-only"


def test_text_is_cut_as_the_gguf_file_says_and_what_is_not_known_is_refused():
    taken = {"model": {}, "pre_tokenizer": dict(_vllm_convert.GPT2)}
    assert _vllm_convert.split_right(taken, "gpt-2") == taken
    digits, bytes_ = _vllm_convert.split_right(taken, "smollm")["pre_tokenizer"]["pretokenizers"]
    assert digits == {"type": "Digits", "individual_digits": True}
    assert bytes_ == _vllm_convert.GPT2
    own = {"model": {}, "pre_tokenizer": {"type": "Metaspace"}}
    assert _vllm_convert.split_right(own, "anything") == own, "the architecture's own way"
    with pytest.raises(ValueError, match="'falcon', and transformers would cut text as GPT-2 does"):
        _vllm_convert.split_right(taken, "falcon")
