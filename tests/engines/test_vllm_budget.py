"""The memory budget of vLLM: vLLM's own figures, snapshots and GGUF files, what does not fit."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import replace
from math import prod
from pathlib import Path

import gguf
import numpy as np
import pytest

from assay.core.errors import UserError
from assay.core.files import sha256_file
from assay.core.settings import read_yaml
from assay.engines._budget import MIB
from assay.engines._plan import plan
from assay.engines._shape import Layer, of_config, of_gguf
from assay.engines._tensors import weights_in_memory
from assay.engines._vllm_budget import Use, longest, needed, table
from assay.engines._vllm_plan import use_of
from assay.reporting.memory import PARTS

ROOT = Path(__file__).parents[2]
USE = Use(262_144, 8192, 16, 2, 2, 1 << 40)


def test_sliding_and_global_layers_need_what_vllm_counts(published):
    """Gemma 4 31B; vLLM: 10 layers a group, one of global layers, five with a window.

    A page of 262,144 bytes holds 16 tokens of a window's layer and 32 of a global one:
    8,192 pages for the whole context, and ceil(9,215 / 16) + 1 = 577 for each window.
    """
    page = 16 * 16 * 512 * 2
    cache, states = needed(of_config({"text_config": published["gemma-4-31b"]}, 0), USE)
    never_given_out = 10 * page // 2  # a block of 16 tokens in each global layer
    assert cache - never_given_out == 10 * page * (8192 + 5 * 577)
    assert states == 0


def test_a_state_takes_a_block_of_the_attention_layers_as_in_vllm(published):
    """Qwen3.6-35B-A3B; 2,048 bytes a token and layer, a state of 2,195,456: blocks of 1,072."""
    cache, states = needed(of_config(published["qwen3.6-35b-a3b"], 0), USE)
    page = 1072 * 2048
    assert states == 30 * page
    assert cache == 10 * page * (-(-262_144 // 1072) + 1)


def test_the_declared_cache_of_the_model_that_runs_here_holds_its_context():
    described = read_yaml(ROOT / "config/models/smollm2-135m-vllm.yaml")
    fields = {
        "general.architecture": "llama", "llama.block_count": 30, "llama.context_length": 8192,
        "llama.embedding_length": 576, "llama.feed_forward_length": 1536,
        "llama.attention.head_count": 9, "llama.attention.head_count_kv": 3,
        "llama.vocab_size": 49152,
    }  # fmt: skip
    shape, use = of_gguf(fields, 0), use_of(described["parameters"])
    block = 128 * 30 * 2 * 3 * 64 * 4
    assert sum(needed(shape, use)) == 360 * MIB + block <= use.kv
    assert sum(needed(shape, replace(use, kv_width=1))) * 4 == 360 * MIB + block
    assert longest(shape, use, 360 * MIB) == 8192 - 128


def test_a_longer_context_or_a_larger_batch_never_needs_less(published):
    for config in published.values():
        shape = of_config(config, 0)
        for name, values in {
            "context": range(1024, 65_536, 1024), "batch": (256, 512, 2048, 8192),
            "kv_width": (1, 2, 4),
        }.items():  # fmt: skip
            sizes = [sum(needed(shape, replace(USE, **{name: value}))) for value in values]
            assert sizes == sorted(sizes)
        room = 4 * 1024 * MIB
        most = longest(shape, USE, room)
        assert sum(needed(shape, replace(USE, context=most))) <= room
        assert sum(needed(shape, replace(USE, context=most + 1072))) > room


def test_heads_of_global_layers_are_told_apart_in_gguf_files_too(published):
    fields = {
        "general.architecture": "gemma4", "gemma4.block_count": 6,
        "gemma4.context_length": 262_144, "gemma4.embedding_length": 5376,
        "gemma4.feed_forward_length": 21_504, "gemma4.attention.head_count": 32,
        "gemma4.attention.head_count_kv": [16, 16, 16, 16, 16, 4],
        "gemma4.attention.key_length": 512, "gemma4.attention.value_length": 512,
        "gemma4.attention.key_length_swa": 256, "gemma4.attention.value_length_swa": 256,
        "gemma4.attention.sliding_window": 1024,
        "gemma4.attention.sliding_window_pattern": [True] * 5 + [False],
        "tokenizer.ggml.tokens": ["a"] * 100,
    }  # fmt: skip
    assert of_gguf(fields, 0).layers == of_config(published["gemma-4-31b"], 0).layers[:6]
    assert of_gguf(fields, 0).layers[4:] == (Layer(16, 256, 256, 1024), Layer(4, 512, 512))


def write_tensors(path: Path, **tensors: tuple[str, tuple[int, ...], int]) -> Path:
    """A safetensors file: name -> (dtype, shape, bytes a number)."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, width) in tensors.items():
        size = prod(shape) * width
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return path


def test_plain_numbers_take_the_width_of_dtype_and_quantised_ones_stay(tmp_path):
    path = write_tensors(
        tmp_path / "a.safetensors", a=("BF16", (8, 4), 2), b=("F32", (4,), 4),
        c=("I32", (2, 2), 4), d=("F8_E4M3", (16,), 1), e=("BF16", (), 2),
    )  # fmt: skip
    assert weights_in_memory([path], 4) == (32 + 4 + 1) * 4 + 16 + 16
    assert weights_in_memory([path, path], 2) == 2 * ((32 + 4 + 1) * 2 + 16 + 16)
    assert weights_in_memory([path], None) == 64 + 16 + 16 + 16 + 2


CONFIG = {
    "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 1000,
    "num_key_value_heads": 2, "max_position_embeddings": 8192, "intermediate_size": 128,
}  # fmt: skip
PARAMETERS = {
    "context": 4096, "batch": 256, "block": 16, "device": "cpu", "dtype": "float32",
    "kv_type": "auto", "kv_mib": 3,
}  # fmt: skip


@pytest.fixture
def snapshot(tmp_path):
    """A described snapshot in a cache; `make(config, **parameters)` returns what plan takes."""

    def make(config=CONFIG, available=64, **parameters):
        folder = tmp_path / "cache" / "weights"
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(tmp_path / "model.safetensors", a=("BF16", (1024, 1024), 2))
        (tmp_path / "config.json").write_text(json.dumps(config))
        files = []
        for name in ("config.json", "model.safetensors"):
            path = tmp_path / name
            digest, size = sha256_file(path), path.stat().st_size
            (folder / digest).write_bytes(path.read_bytes())
            files.append({"file": name, "sha256": digest, "size": size})
        described = {
            "engine": "vllm", "weights": {"kind": "snapshot", "files": files},
            "parameters": {**PARAMETERS, **parameters},
            "memory": {"available_mib": available, "reserve_mib": 1},
        }  # fmt: skip
        return described, folder / "digest-over-all"

    return make


def test_a_snapshot_is_planned_from_its_config_and_the_headers_of_its_files(snapshot):
    record = plan("m", *snapshot())
    assert set(record["bytes"]) == set(PARTS)
    assert record["bytes"]["weights"] == 4 * MIB
    assert record["bytes"]["cache"] == 3 * MIB
    assert record["cache_per_token"] == 2 * 2 * 2 * 16 * 4
    assert record["cache_needed"] == 512 * (4096 + 16)
    assert record["total"] == sum(record["bytes"].values()) < record["available"]
    assert record["largest_context"] == 8192
    assert json.loads(json.dumps(record)) == record
    assert plan("m", *snapshot(dtype="bfloat16"))["bytes"]["weights"] == 2 * MIB
    assert plan("m", *snapshot(kv_type="fp8"))["cache_per_token"] == 128
    for where in ({"quantization_config": {}}, {"text_config": {"quantization_config": {}}}):
        config = {**CONFIG, **where}
        if "text_config" in where:
            config = {"text_config": {**CONFIG, **where["text_config"]}}
        assert plan("m", *snapshot(config))["bytes"]["weights"] == 2 * MIB


def advised(error: str) -> dict[str, int]:
    """The numbers of a hint such as: set `context: 16`, …, and `kv_mib: 2`."""
    hint = error.partition("hint:")[2]
    return {name: int(value) for name, value in re.findall(r"`(\w+): (\d+)`", hint)}


def test_what_does_not_fit_is_refused_with_a_context_and_a_cache_that_do(snapshot):
    with pytest.raises(UserError, match="does not fit into memory") as caught:
        plan("m", *snapshot(available=7, kv_mib=64))
    found = advised(str(caught.value))
    assert 1024 < found["context"] < 4096
    plan("m", *snapshot(available=7, **found))
    with pytest.raises(UserError, match="smaller weights"):
        plan("m", *snapshot(available=2))
    with pytest.raises(UserError, match="the context needs no more") as caught:
        plan("m", *snapshot(available=16, kv_mib=64))
    plan("m", *snapshot(available=16, kv_mib=advised(str(caught.value))["kv_mib"]))


def test_a_cache_that_does_not_hold_the_context_is_refused_with_what_would(snapshot):
    with pytest.raises(UserError, match="KV cache is too small") as caught:
        plan("m", *snapshot(kv_mib=1))
    said, found = str(caught.value), advised(str(caught.value))
    assert "parameters.kv_mib" in said
    assert found["context"] == 2048 - 16
    plan("m", *snapshot(kv_mib=found["kv_mib"]))
    plan("m", *snapshot(kv_mib=1, context=found["context"]))
    with pytest.raises(UserError, match="too small"):
        plan("m", *snapshot(kv_mib=1, context=found["context"] + 16))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1], lambda data: data + b"x", lambda data: b"", lambda data: data[:20],
        lambda data: b"\xff" * 8 + data[8:], lambda data: data[:8] + b"x" + data[9:],
    ],
)  # fmt: skip
def test_files_that_are_no_safetensors_are_told(snapshot, damage):
    described, place = snapshot()
    path = place.with_name(described["weights"]["files"][1]["sha256"])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match="metadata can't be read"):
        plan("m", described, place)


@pytest.mark.parametrize("config", [{}, {"num_hidden_layers": 2}, {**CONFIG, "hidden_size": "x"}])
def test_a_config_that_says_too_little_is_told(snapshot, config):
    with pytest.raises(UserError, match="metadata can't be read"):
        plan("m", *snapshot(config))


def test_a_gguf_file_is_planned_as_what_it_is_converted_to(tmp_path):
    path = tmp_path / "weights"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(8192)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(128)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_vocab_size(1000)
    writer.add_tensor("token_embd.weight", np.zeros((1024, 512), dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    def weights(**parameters) -> int:
        described = {"engine": "vllm", "weights": {"kind": "path"},
                     "parameters": {**PARAMETERS, **parameters}}  # fmt: skip
        described["memory"] = {"available_mib": 64, "reserve_mib": 1}
        return plan("m", described, path)["bytes"]["weights"]

    numbers = 1024 * 512
    assert weights() == weights(dtype="bfloat16") == 8 * numbers  # twice, in the view's memory
    assert weights(device="cuda") == 4 * numbers
    assert weights(device="cuda", dtype="bfloat16") == 2 * numbers
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="metadata can't be read"):
        weights()


def test_experts_count_by_how_many_of_them_see_a_token(published):
    config = published["qwen3.6-35b-a3b"]
    sparse, dense = of_config(config, 0), of_config({**config, "num_experts_per_tok": 1}, 0)
    assert (sparse.feed_forward, sparse.experts) == (9 * 512, 8)
    parts = [table(shape, USE, 0, None)["bytes"]["activations"] for shape in (sparse, dense)]
    assert parts[0] > parts[1] > 0
