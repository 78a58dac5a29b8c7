"""The memory budget: against llama.cpp's own log, worked examples, and models that do not fit."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.core.settings import read_yaml
from assay.engines._budget import (
    MIB,
    Use,
    budget,
    largest_context,
    per_token,
    require,
    table,
)
from assay.engines._metadata import shape_of
from assay.engines._plan import plan
from assay.engines._shape import Layer, Shape, of_config, of_gguf
from assay.engines._weights import fetch
from assay.images.store import cache_root

ROOT = Path(__file__).parents[2]

# What the pilot's model states (see `shared/KNOWN.md`): 40 layers, every fourth with a KV cache of
# 2 heads of 256; linear attention of 16 key and 32 value heads of 128, a convolution over 4.
QWEN = {
    "text_config": {
        "num_hidden_layers": 40, "hidden_size": 2048, "num_attention_heads": 16,
        "num_key_value_heads": 2, "head_dim": 256, "full_attention_interval": 4,
        "linear_num_key_heads": 16, "linear_key_head_dim": 128, "linear_num_value_heads": 32,
        "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4, "vocab_size": 248_320,
        "max_position_embeddings": 262_144,
    }
}  # fmt: skip
SMOLLM = {
    "general.architecture": "llama", "llama.block_count": 30, "llama.context_length": 8192,
    "llama.embedding_length": 576, "llama.feed_forward_length": 1536,
    "llama.attention.head_count": 9, "llama.attention.head_count_kv": 3,
    "llama.vocab_size": 49152,
}  # fmt: skip
USE = Use(8192, 256, "f16", flash_attention=False)


def test_the_worked_example_of_a_hybrid_model():
    shape = of_config(QWEN, weights=24 * 10**9)
    assert sum(bool(layer.kv_heads) for layer in shape.layers) == 10
    assert per_token(shape, "q8_0") == 10_880  # 10 layers, keys and values, 2 x 256, 34/32 bytes
    state = 4 * (3 * (2 * 16 * 128 + 32 * 128) + 32 * 128 * 128)
    found = budget(shape, Use(32_768, 512, "q8_0", flash_attention=True), 2 * 10**9)
    assert found.states == 30 * state
    assert found.cache == 10_880 * 32_768
    assert found.total < 32 * 10**9
    room = 32 * 10**9
    long = largest_context(shape, Use(0, 512, "q8_0", flash_attention=True), 2 * 10**9, room)
    fits = Use(long, 512, "q8_0", flash_attention=True)
    assert budget(shape, fits, 2 * 10**9).total <= room
    assert (
        long == 262_144 or budget(shape, replace(fits, context=long + 256), 2 * 10**9).total > room
    )


def test_figures_of_a_dense_model_are_those_that_llama_cpp_logs():
    found = budget(of_gguf(SMOLLM, weights=96_576_768), USE, 0)
    assert found.cache == 180 * MIB  # "llama_kv_cache: size = 180.00 MiB"
    assert abs(found.activations / MIB / 83.76 - 1) < 0.02  # "compute buffer size = 83.76 MiB"


def test_sliding_layers_keep_a_window_and_a_batch():
    fields = {
        "general.architecture": "gemma3", "gemma3.block_count": 18,
        "gemma3.context_length": 32_768, "gemma3.embedding_length": 640,
        "gemma3.feed_forward_length": 2048, "gemma3.attention.head_count": 4,
        "gemma3.attention.head_count_kv": 1, "gemma3.attention.key_length": 256,
        "gemma3.attention.value_length": 256, "gemma3.attention.sliding_window": 512,
        "tokenizer.ggml.tokens": ["a"] * 100,
    }  # fmt: skip
    shape = of_gguf(fields, 0)
    assert [number for number, layer in enumerate(shape.layers) if not layer.window] == [5, 11, 17]
    found = budget(shape, Use(32_768, 512, "f16", flash_attention=True), 0)
    assert found.cache == (3 * 32_768 + 15 * 1024) * 512 * 2
    assert shape.vocabulary == 100


def test_a_hybrid_gguf_has_states_where_its_layers_have_no_heads():
    fields = {
        **{key.replace("llama", "hybrid"): value for key, value in SMOLLM.items()},
        "general.architecture": "hybrid", "hybrid.block_count": 4,
        "hybrid.attention.head_count_kv": [0, 0, 0, 3], "hybrid.ssm.conv_kernel": 4,
        "hybrid.ssm.inner_size": 4096, "hybrid.ssm.state_size": 128, "hybrid.ssm.group_count": 16,
    }  # fmt: skip
    layers = of_gguf(fields, 0).layers
    assert [bool(layer.state) for layer in layers] == [True, True, True, False]
    assert layers[0].state == 4 * (3 * (4096 + 2 * 16 * 128) + 128 * 4096)


def test_layer_types_of_a_config_are_followed():
    config = {
        "num_hidden_layers": 3, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 10,
        "max_position_embeddings": 4096, "sliding_window": 128,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    }  # fmt: skip
    assert [layer.window for layer in of_config(config, 0).layers] == [128, 0, 128]
    assert of_config(config, 0).layers[0] == Layer(4, 16, 16, 128)


def test_more_context_never_needs_less():
    shape = Shape((Layer(2, 64, 64), Layer(2, 64, 64, window=512)), 4, 256, 512, 1000, 0, 8192)
    sizes = [budget(shape, replace(USE, context=it), 0).total for it in range(256, 8193, 256)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)


def test_what_does_not_fit_is_refused_with_the_longest_context_that_would():
    shape = of_gguf(SMOLLM, 96_576_768)
    record = table(shape, USE, 0, 300 * MIB)
    with pytest.raises(UserError, match="does not fit") as caught:
        require(record, "config/models/m.yaml", "declared")
    assert record["largest_context"] == 6400
    assert "context: 6400" in str(caught.value)
    require(table(shape, replace(USE, context=6400), 0, 300 * MIB), "m", "declared")
    with pytest.raises(UserError, match="smaller weights"):
        require(table(shape, USE, 0, 90 * MIB), "m", "declared")
    require(table(shape, USE, 0, None), "m", "no card")  # not known: said, and not refused


def test_a_solver_needs_none_and_broken_weights_are_told(tmp_path):
    assert plan("oracle", {"engine": "oracle"}, None) == {"model": "oracle", "bytes": None}
    path = tmp_path / "weights"
    for data in (b"", b"not a model", b"GGUF" + struct.pack("<IQQ", 3, 5, 5), b"GGUF" * 40):
        path.write_bytes(data)
        with pytest.raises(UserError, match="can't be read"):
            shape_of(path, "config/models/m.yaml")


@pytest.mark.slow
def test_the_default_model_as_its_server_saw_it():
    """The embedded model's own file, against what llama.cpp logs of it at 8,192 tokens."""
    described = {
        "parameters": {"context": 8192, "ubatch": 256, "kv_type": "f16", "gpu_layers": 0,
                       "flash_attention": False},
        "memory": {"available_mib": 1024, "reserve_mib": 100},
    }  # fmt: skip
    named = read_yaml(ROOT / "config/models/smollm2-135m.yaml")["weights"]
    weights = cache_root() / "weights" / named["sha256"]
    fetch(named, weights, "config/models/smollm2-135m.yaml")
    record = plan("smollm2-135m", described, weights)
    assert record["bytes"]["cache"] == 180 * MIB
    assert round(record["bytes"]["weights"] / MIB, 2) == 92.10  # "model buffer size = 92.10 MiB"
    assert json.loads(json.dumps(record)) == record
    for layers, reserve in ((0, 512), (99, 1280)):  # a card holds CUDA's own context, too
        asked = {**described["parameters"], "gpu_layers": layers}
        used = {**described, "parameters": asked, "memory": {"available_mib": 4096}}
        assert plan("smollm2-135m", used, weights)["bytes"]["reserve"] == reserve * MIB
    with pytest.raises(UserError, match="context: 6400"):
        plan(
            "smollm2-135m",
            {**described, "memory": {"available_mib": 900, "reserve_mib": 600}},
            weights,
        )
