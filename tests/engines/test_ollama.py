"""What the engine ollama has of its own, beside the conformance suite: against a fake program."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.core.files import sha256_text
from assay.engines import _ollama_server, ollama
from assay.engines.base import EngineDiedError

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open the engine on fake weights; parameters over the plug-in's own example."""
    monkeypatch.setenv("PATH", f"{FAKES}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OLLAMA_KEEP_ALIVE", "a setting of this machine")

    def make(weights="fake", **parameters):
        path = tmp_path / "weights"
        path.write_text(weights)
        settings = {
            "model": "m", "seed": 2**40,
            "parameters": {**ollama.EXAMPLES[0], "patience_s": 60, **parameters},
        }  # fmt: skip
        return ollama.open_engine(settings, path, (tmp_path / "engine.log").open("ab"))

    return make


@pytest.fixture
def said(tmp_path):
    """What the fake wrote of one kind into the log: JSON after a word (and an address)."""

    def read(start):
        lines = (tmp_path / "engine.log").read_text().splitlines()
        return [json.loads(line.removeprefix(start)) for line in lines if line.startswith(start)]

    return read


def test_the_server_gets_the_settings_of_the_model_file_and_none_of_the_machine(opened, said):
    with opened(kv_type="f16", flash_attention=False):
        (found,) = said("settings ")
    assert found.pop("OLLAMA_HOST").startswith("127.0.0.1:")
    assert not Path(found.pop("OLLAMA_MODELS")).exists(), "its store is gone"
    assert found == {
        "OLLAMA_NUM_PARALLEL": "1", "OLLAMA_MAX_LOADED_MODELS": "1", "OLLAMA_FLASH_ATTENTION": "0",
        "OLLAMA_KV_CACHE_TYPE": "f16", "OLLAMA_CONTEXT_LENGTH": "2048", "LLAMA_ARG_FIT": "off",
        "OLLAMA_NO_CLOUD": "1", "OLLAMA_NOHISTORY": "1", "OLLAMA_NOPRUNE": "1",
        "OLLAMA_LOAD_TIMEOUT": "60s",
    }  # fmt: skip


def test_every_request_states_every_option_and_loads_with_the_same(opened, said, request_of):
    with opened() as engine:
        engine.answer(request_of("hello", max_tokens=9))
    asked, loads = said("asked /api/chat ")[-1], said("asked /api/generate ")
    loaded = [body for body in loads if body["keep_alive"] == -1][-1]
    assert asked["options"] == loaded["options"] == {
        **ollama.GREEDY, "num_keep": 0, "draft_num_predict": 0, "main_gpu": 0,
        "seed": 2**40 % (2**32 - 1), "num_predict": 9, "num_ctx": 2048, "num_batch": 512,
        "num_gpu": 0, "num_thread": 2, "use_mmap": True,
    }  # fmt: skip
    own = {name: asked[name] for name in ("keep_alive", "stream", "think", "truncate", "shift")}
    assert own == {
        "keep_alive": 0, "stream": True, "think": False, "truncate": False, "shift": False
    }  # fmt: skip
    assert asked["messages"] == [{"role": "user", "content": "hello"}]


def test_the_model_is_loaded_anew_for_each_request_and_gone_after_the_last(
    opened, request_of, tmp_path
):
    with opened() as engine:
        for _ in range(3):
            engine.answer(request_of("hello"))
        engine.api.unload()
        assert engine.api.loaded() == []
    lines = (tmp_path / "engine.log").read_text().splitlines()
    kept = [line for line in lines if line in ("begin", "loaded assay:latest", "reloaded")]
    assert kept == ["loaded assay:latest", *["loaded assay:latest", "begin"] * 3]


def test_a_model_that_does_not_leave_ends_the_start(opened):
    with (
        pytest.raises(EngineDiedError, match="its prompt cache would be warm"),
        opened("sticky", patience_s=20),
    ):
        pass


def test_a_version_that_cuts_long_prompts_is_refused(opened):
    with pytest.raises(UserError, match="cuts a prompt") as caught, opened("cutting"):
        pass
    assert "it read 2048 tokens of a prompt of over 2048" in str(caught.value)


def test_a_refused_prompt_is_void_in_the_server_s_words(opened, request_of):
    with opened(context=64) as engine:
        answer = engine.answer(request_of(" ".join(["word"] * 64)))
    assert answer.void == (
        "the engine refused the prompt: the input length exceeds the context length"
    )


def test_the_context_that_the_server_gives_counts_not_the_asked_one(opened, request_of):
    with opened("capped") as engine:
        assert engine.fingerprint["context"] == 1024
        assert "the context of 1024" in engine.answer(request_of("hello", max_tokens=1023)).void


def test_thinking_is_told_by_the_server_or_taken_from_the_text(opened, request_of):
    with opened() as engine:
        told, taken = (engine.answer(request_of(prompt)) for prompt in ("thinking", "untold"))
        first = engine.margin(request_of("thinking"), "thinking", 0)
    assert (told.thinking, told.response, told.completion_tokens) == ("t0 t1", "w0 w1 w2 ", 5)
    assert (taken.thinking, taken.response) == ("why", "w0 w1 w2 ")
    assert first.token == "t0 "


def test_bytes_left_off_the_gpu_void_a_row_where_the_log_tells_no_layers(opened, request_of):
    with opened("quiet", gpu_layers=99) as engine:
        answer = engine.answer(request_of("hello"))
        assert engine.measured == {"size": 1000, "size_vram": 750}
        assert engine.fingerprint["on_gpu"] == "part"
    assert answer.void == "only 750 of 1000 bytes are on the GPU"
    with opened("fake", gpu_layers=99) as engine:
        assert engine.answer(request_of("hello")).void is None
        assert engine.fingerprint["on_gpu"] == "all"


def test_a_template_of_the_model_file_moves_the_rendered_prompts_digest(opened, request_of):
    def rendered(**parameters):
        with opened(**parameters) as engine:
            return engine.answer(request_of("hello")).rendered_sha256

    assert len({rendered(), rendered(template="{{ .Prompt }}"), rendered(renderer="r")}) == 3


def test_weights_that_the_server_does_not_find_are_pushed(opened, request_of, tmp_path):
    with opened("unlinked") as engine:
        assert engine.answer(request_of("hello")).void is None
    assert "pushed" in (tmp_path / "engine.log").read_text().split()
    assert (tmp_path / "weights").read_text() == "unlinked"


def test_the_fingerprint_holds_what_decides_the_text(opened):
    with opened() as engine:
        found = engine.fingerprint
    assert found["version"] == "0.0.0-fake"
    assert found["binary_sha256"] == sha256_text((FAKES / "ollama").read_text())
    assert found["devices"] == [
        {"library": "cpu", "compute": "", "name": "cpu", "description": "a fake", "driver": ""}
    ]
    assert (found["context"], found["on_gpu"], found["layers_offloaded"]) == (2048, "none", [0, 0])
    assert found["options"]["temperature"] == 0
    assert found["think"] is False


def test_an_image_without_ollama_is_said_to_be_one(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no program `ollama`"), opened():
        pass


def test_a_running_server_without_the_model_names_what_it_has(opened):
    with opened() as engine:
        other = _ollama_server.Attached(engine.server.link.address, "other")
        with pytest.raises(UserError, match="no such model") as caught:
            other.start()
    assert "assay:latest" in str(caught.value)


def test_libraries_beside_the_program_are_part_of_its_digest(tmp_path):
    program, library = tmp_path / "bin" / "ollama", tmp_path / "lib" / "ollama" / "a.so"
    for path in (program, library):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    assert len(_ollama_server.libraries_digest(program)) == 64
    assert _ollama_server.libraries_digest(tmp_path / "else" / "bin" / "ollama") is None
