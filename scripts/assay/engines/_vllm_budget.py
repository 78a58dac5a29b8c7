"""What a model will need under vLLM: one sequence, a KV cache of the stated size, one batch.

Figures are bytes. The cache's needs follow vLLM's own count (`vllm/v1/kv_cache_interface.py`,
`max_memory_usage_bytes`; hybrid models: `vllm/platforms/interface.py`, which pads a recurrent state
to one block of the attention layers). Activations are an estimate of the largest layer's, made
without a measurement; compiled graphs and the runtime itself are left to the reserve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from assay.core.errors import UserError
from assay.engines._budget import MIB, Budget, kinds_of, mib
from assay.engines._shape import Layer, Shape

ALIGNED = 16  # tokens: a block that is made larger for a state is a multiple of it
LOGITS = 4 * 4  # bytes an entry of the vocabulary: logits, sorted, their places, probabilities


@dataclass(frozen=True)
class Use:
    """How the model will be run: tokens of context, batch and block; bytes a number and in all.

    width, kv_width: bytes of a number of the activations, and of the KV cache
    kv:              bytes of the KV cache, as declared
    """

    context: int
    batch: int
    block: int
    width: int
    kv_width: int
    kv: int


def needed(shape: Shape, use: Use) -> tuple[int, int]:
    """Return what the context needs of the KV cache: keys and values, and recurrent states."""
    block = _block(shape, use)
    tokens = [_token(layer, use) for layer in shape.layers]
    page = block * max(tokens, default=0)
    states = sum(max(layer.state, page) for layer in shape.layers if layer.state)
    cache = sum(
        token * block * _blocks(layer, block, use)
        for layer, token in zip(shape.layers, tokens, strict=True)
    )
    growing = [token for layer, token in zip(shape.layers, tokens, strict=True) if not layer.window]
    return cache + block * sum(growing or tokens), states  # one block of each is never given out


def longest(shape: Shape, use: Use, room: int) -> int:
    """Return the longest context whose needs fit into `room` bytes of cache, in tokens; 0: none."""
    low, high = 0, shape.context // use.block
    while low < high:
        middle = (low + high + 1) // 2
        fits = sum(needed(shape, replace(use, context=middle * use.block))) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return low * use.block


def table(shape: Shape, use: Use, reserve: int, available: int | None) -> dict[str, Any]:
    """Return the budget as a record, as `_budget.table` does for llama.cpp.

    The cache is the declared one; `cache_needed` is what the context needs of it, with states.
    """
    cache, states = needed(shape, use)
    kept = min(states, use.kv)
    found = Budget(shape.weights, use.kv - kept, kept, _activations(shape, use), reserve)
    # The cache is declared in whole MiB.
    room = None if available is None else (available - found.total + use.kv) // MIB * MIB
    return {
        "bytes": asdict(found), "total": found.total, "available": available,
        "cache_per_token": sum(_token(it, use) for it in shape.layers if not it.window),
        "cache_needed": cache + states, "context": use.context, "layers": kinds_of(shape),
        "largest_context": None if room is None else longest(shape, use, room),
        "trained_context": shape.context,
    }  # fmt: skip


def require(shape: Shape, use: Use, record: Mapping[str, Any], about: tuple[str, str]) -> None:
    """Raise UserError if memory or the declared cache do not suffice for the context.

    about: the model file, and where the figure of the memory that there is comes from
    """
    where, source = about
    need = record["cache_needed"]
    total = record["total"] + max(0, need - use.kv)
    if record["available"] is not None and total > record["available"]:
        parts = ", ".join(f"{name} {mib(size):,}" for name, size in record["bytes"].items())
        raise UserError(
            "the model does not fit into memory", where=f"{where}: parameters.context",
            given=f"{mib(total):,} MiB for a context of {use.context:,} ({parts}; the context "
            f"needs {mib(need):,} of cache and states)",
            expected=f"at most {mib(record['available']):,} MiB ({source})",
            hint=_fitting(shape, use, record["largest_context"]),
        )  # fmt: skip
    if need > use.kv:
        held = longest(shape, use, use.kv)
        raise UserError(
            "the KV cache is too small for the context", where=f"{where}: parameters.kv_mib",
            given=f"{mib(use.kv):,} MiB for a context of {use.context:,}",
            expected=f"at least {mib(need):,} MiB",
            hint=f"set `kv_mib: {mib(need)}`"
            + (f", or `context: {held}`, the longest that it holds" if held else ""),
        )  # fmt: skip


def _fitting(shape: Shape, use: Use, fits: int) -> str:
    if not fits:
        return "no context fits: take smaller weights, or a device with more memory"
    context = min(fits, use.context)
    room = mib(sum(needed(shape, replace(use, context=context))))
    if context == use.context:
        return f"set `kv_mib: {room}`: the context needs no more"
    return f"set `context: {context}`, the longest that fits, and `kv_mib: {room}`"


def _token(layer: Layer, use: Use) -> int:
    return layer.kv_heads * (layer.key + layer.value) * use.kv_width


def _block(shape: Shape, use: Use) -> int:
    """Return the tokens of a block: as stated, or as many as hold the largest state."""
    state = max((layer.state for layer in shape.layers), default=0)
    token = max((_token(layer, use) for layer in shape.layers), default=0)
    if not state or not token:
        return use.block
    return max(use.block, ALIGNED * -(-state // (ALIGNED * token)))


def _blocks(layer: Layer, block: int, use: Use) -> int:
    if not layer.window:
        return -(-use.context // block)
    # The window and one batch; one more, since a window may begin within a block.
    return -(-min(layer.window - 1 + use.batch, use.context) // block) + 1


def _activations(shape: Shape, use: Use) -> int:
    """Return an estimate: residual, attention and MLP of one layer for a batch, logits of one."""
    attention = 2 * shape.heads * max((layer.key for layer in shape.layers), default=0)
    width = 4 * shape.embedding + attention + 3 * shape.feed_forward
    width += shape.experts * shape.embedding
    return use.batch * use.width * width + LOGITS * shape.vocabulary
