"""What of a model decides its memory: layers with their caches, read from its own metadata.

GGUF names follow llama.cpp's `gguf-py/gguf/constants.py`, those of a Hugging Face `config.json` the
library transformers. A layer that nothing is said about counts as one of full attention, which can
only overstate its memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Any]
STATE_BYTES = 4  # a number of a recurrent state, single precision
# Architectures whose GGUF states the window and not which layers it holds for (llama.cpp's own
# table): every n-th layer sees all, the others the window.
PATTERNS = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2, "cohere2": 4}


@dataclass(frozen=True)
class Layer:
    """What one layer keeps: keys and values for each token, or a state of fixed size.

    kv_heads, key, value: heads of the cache, and numbers a head and token
    window:               tokens that are kept, at most; 0 = all
    state:                bytes of a recurrent state
    """

    kv_heads: int = 0
    key: int = 0
    value: int = 0
    window: int = 0
    state: int = 0


@dataclass(frozen=True)
class Shape:
    """A model's layers and widths, its weights in bytes and its own longest context in tokens.

    experts: how many of them each token goes to; 0 where nothing is said of it
    """

    layers: tuple[Layer, ...]
    heads: int
    embedding: int
    feed_forward: int
    vocabulary: int
    weights: int
    context: int
    experts: int = 0


def of_gguf(fields: Fields, weights: int) -> Shape:
    """Return the shape of the metadata of a GGUF file; KeyError if something basic is missing."""
    name = fields["general.architecture"]
    own = {key.removeprefix(f"{name}."): value for key, value in fields.items()}
    count, embedding = int(own["block_count"]), int(own["embedding_length"])
    heads = _each(own["attention.head_count"], count)
    kv_heads = _each(own.get("attention.head_count_kv", heads), count)
    key = int(own.get("attention.key_length", embedding // max(heads)))
    latent = "attention.key_length_mla" in own  # keys and values in one
    value = 0 if latent else int(own.get("attention.value_length", key))
    window = int(own.get("attention.sliding_window", 0))
    # Gemma 4: layers with a window have heads of another width.
    near = (int(own.get("attention.key_length_swa", key)),
            int(own.get("attention.value_length_swa", value)), window)  # fmt: skip
    widths = {"full_attention": (key, value, 0), "sliding_attention": near}
    kinds = _kinds_of_gguf(own, str(name), count, kv_heads)
    layers = tuple(
        Layer(state=_state(own)) if kind == "linear_attention"
        else Layer(kv_heads[number], *widths[kind])
        for number, kind in enumerate(kinds)
    )  # fmt: skip
    vocabulary = own.get("vocab_size") or len(fields.get("tokenizer.ggml.tokens", ()))
    return Shape(
        layers, max(heads), embedding, max(_each(own.get("feed_forward_length", 0), count)),
        int(vocabulary), weights, int(own["context_length"]),
    )  # fmt: skip


def of_config(config: Fields, weights: int) -> Shape:
    """Return the shape of a Hugging Face `config.json`; KeyError if something basic is missing."""
    own = config.get("text_config", config)
    count, embedding = int(own["num_hidden_layers"]), int(own["hidden_size"])
    heads = int(own["num_attention_heads"])
    width = int(own.get("head_dim") or embedding // heads)
    kv_heads = int(own.get("num_key_value_heads") or heads)
    window = int(own.get("sliding_window") or 0)
    far = _full_layer(own, kv_heads, width)
    layers = tuple(
        Layer(state=_linear_state(own)) if kind == "linear_attention"
        else Layer(kv_heads, width, width, window) if kind == "sliding_attention" and window
        else far
        for kind in _kinds_of_config(own, count)
    )  # fmt: skip
    experts = int(own.get("num_experts_per_tok") or own.get("top_k_experts") or 0)
    routed = experts * int(own.get("moe_intermediate_size") or 0)
    routed += int(own.get("shared_expert_intermediate_size") or 0)
    return Shape(
        layers, heads, embedding, max(routed, int(own.get("intermediate_size") or 0)),
        int(own["vocab_size"]), weights, int(own["max_position_embeddings"]), experts,
    )  # fmt: skip


def _full_layer(own: Fields, kv_heads: int, width: int) -> Layer:
    """Return a layer that sees all; Gemma 4 gives it fewer and wider heads than the others."""
    if own.get("attention_k_eq_v"):
        kv_heads = int(own.get("num_global_key_value_heads") or kv_heads)
    width = int(own.get("global_head_dim") or width)
    return Layer(kv_heads, width, width)


def _kinds_of_gguf(own: Fields, name: str, count: int, kv_heads: Sequence[int]) -> list[str]:
    pattern = own.get("attention.sliding_window_pattern", PATTERNS.get(name, 0))
    interval = int(own.get("full_attention_interval", 0))
    kinds = []
    for number in range(count):
        if not kv_heads[number] or (interval and (number + 1) % interval):
            kinds.append("linear_attention")
        elif isinstance(pattern, Sequence):
            kinds.append("sliding_attention" if pattern[number] else "full_attention")
        else:
            slides = pattern and (number + 1) % int(pattern)
            kinds.append("sliding_attention" if slides else "full_attention")
    return kinds


def _kinds_of_config(own: Fields, count: int) -> list[str]:
    if own.get("layer_types"):
        return [str(kind) for kind in own["layer_types"]]
    interval = int(own.get("full_attention_interval") or 0)
    pattern = int(own.get("sliding_window_pattern") or 0)
    other = "linear_attention" if interval else "sliding_attention"
    every = interval or pattern
    return [other if every and (number + 1) % every else "full_attention"
            for number in range(count)]  # fmt: skip


def _state(own: Fields) -> int:
    """Return the bytes of a layer's convolution and state (llama.cpp: n_embd_r and n_embd_s)."""
    inner, state = int(own.get("ssm.inner_size", 0)), int(own.get("ssm.state_size", 0))
    groups, kernel = int(own.get("ssm.group_count", 0)), int(own.get("ssm.conv_kernel", 1))
    return STATE_BYTES * ((kernel - 1) * (inner + 2 * groups * state) + state * inner)


def _linear_state(own: Fields) -> int:
    keys = int(own["linear_num_key_heads"]) * int(own["linear_key_head_dim"])
    width, heads = int(own["linear_value_head_dim"]), int(own["linear_num_value_heads"])
    past = int(own["linear_conv_kernel_dim"]) - 1
    state = heads * int(own["linear_key_head_dim"]) * width
    return STATE_BYTES * (past * (2 * keys + heads * width) + state)


def _each(value: Any, count: int) -> list[int]:
    """Return a number for each layer."""
    if isinstance(value, Sequence):
        return [int(item) for item in value]
    return [int(value)] * count
