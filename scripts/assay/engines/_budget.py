"""What a model will need, before it is loaded: weights, caches, activations and a reserve.

Figures are bytes. Caches are exact (they equal what llama.cpp logs), activations an estimate of
llama.cpp's compute buffer: within a few percent for dense models, see the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from assay.core.errors import UserError
from assay.engines._shape import Layer, Shape

MIB = 1 << 20
PAD = 256  # llama.cpp rounds contexts up to so many tokens
# Bytes of a number: q8_0 keeps 32 of them in 34 bytes.
WIDTHS = {
    "f32": Fraction(4), "f16": Fraction(2), "bf16": Fraction(2), "q8_0": Fraction(34, 32),
}  # fmt: skip
RESERVE_MIB = 512  # for the system, where the model file names none
CARD_RESERVE_MIB = RESERVE_MIB + 768  # and for CUDA's own context: some 700 were seen on an H100


@dataclass(frozen=True)
class Use:
    """How the model will be run: tokens of context and physical batch, and the cache's type."""

    context: int
    ubatch: int
    kv_type: str
    flash_attention: bool


@dataclass(frozen=True)
class Budget:
    """Bytes that are needed, by what for."""

    weights: int
    cache: int
    states: int
    activations: int
    reserve: int

    @property
    def total(self) -> int:
        """The sum of all parts."""
        return self.weights + self.cache + self.states + self.activations + self.reserve


def budget(shape: Shape, use: Use, reserve: int) -> Budget:
    """Return what the model needs in this use."""
    context = _padded(use.context)
    cache = sum(_kept(layer, context, use) * _numbers(layer) for layer in shape.layers)
    return Budget(
        shape.weights, int(cache * WIDTHS[use.kv_type]),
        sum(layer.state for layer in shape.layers), _activations(shape, context, use), reserve,
    )  # fmt: skip


def per_token(shape: Shape, kv_type: str) -> int:
    """Return how many bytes the caches that hold every token grow by with each."""
    growing = sum(_numbers(layer) for layer in shape.layers if not layer.window)
    return int(growing * WIDTHS[kv_type])


def largest_context(shape: Shape, use: Use, reserve: int, available: int) -> int:
    """Return the longest context that fits, in tokens, up to the model's own; 0 if none does."""

    def fits(pads: int) -> bool:
        tried = Use(pads * PAD, use.ubatch, use.kv_type, use.flash_attention)
        return budget(shape, tried, reserve).total <= available

    low, high = 0, shape.context // PAD
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low * PAD


def table(shape: Shape, use: Use, reserve: int, available: int | None) -> dict[str, Any]:
    """Return the budget as a record: bytes by part, bytes a token, and what fits."""
    found = budget(shape, use, reserve)
    fits = None if available is None else largest_context(shape, use, reserve, available)
    return {
        "bytes": asdict(found), "total": found.total, "available": available,
        "cache_per_token": per_token(shape, use.kv_type), "context": use.context,
        "layers": kinds_of(shape), "largest_context": fits, "trained_context": shape.context,
    }  # fmt: skip


def kinds_of(shape: Shape) -> dict[str, int]:
    """Return how many layers there are of each kind."""
    return {
        "attention": sum(not layer.state and not layer.window for layer in shape.layers),
        "sliding": sum(bool(layer.window) for layer in shape.layers),
        "recurrent": sum(bool(layer.state) for layer in shape.layers),
    }


def require(record: Mapping[str, Any], where: str, source: str) -> None:
    """Raise UserError if what is needed is more than there is; `source` says where that is from."""
    if record["available"] is None or record["total"] <= record["available"]:
        return
    parts = ", ".join(f"{name} {mib(size):,}" for name, size in record["bytes"].items())
    fits = record["largest_context"]
    raise UserError(
        "the model does not fit into memory", where=f"{where}: parameters.context",
        given=f"{mib(record['total']):,} MiB for a context of {record['context']:,} ({parts})",
        expected=f"at most {mib(record['available']):,} MiB ({source})",
        hint=f"set `context: {fits}`, the longest that fits" if fits else
        "no context fits: take smaller weights, or a device with more memory",
    )  # fmt: skip


def mib(size: int) -> int:
    """Return bytes as whole MiB, rounded up."""
    return -(-size // MIB)


def _padded(context: int) -> int:
    return -(-context // PAD) * PAD


def _kept(layer: Layer, context: int, use: Use) -> int:
    """Return the tokens whose keys a layer keeps: its window and one batch, or all."""
    return min(context, _padded(layer.window + use.ubatch)) if layer.window else context


def _numbers(layer: Layer) -> int:
    return layer.kv_heads * (layer.key + layer.value)


def _activations(shape: Shape, context: int, use: Use) -> int:
    """Return the compute buffer: scores of all heads or logits, mask, and the widest layer."""
    scores = 0 if use.flash_attention else shape.heads * context
    widest = max(scores, shape.vocabulary)
    return 4 * use.ubatch * (widest + context + 2 * shape.feed_forward + shape.embedding)
