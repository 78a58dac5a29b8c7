"""What vLLM's memory budget starts from: the model file's parameters, the weights' metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.core.files import read_json
from assay.core.weights import CONFIG, TENSORS, files_of
from assay.engines import _shape
from assay.engines._budget import MIB
from assay.engines._metadata import readable
from assay.engines._metadata import shape_of as shape_of_gguf
from assay.engines._stored import place_of
from assay.engines._tensors import weights_in_memory
from assay.engines._vllm_budget import Use
from assay.engines.base import wants_cards

WIDTHS = {"float32": 4, "float16": 2, "bfloat16": 2}
# Beside `quantization_config` in config.json: files of older GPTQ and AWQ folders, and ModelOpt's.
QUANTISED = {"quantize_config.json", "quant_config.json", "hf_quant_config.json"}
# A GGUF file becomes 32-bit numbers in the view's /tmp, which is memory, and the converter holds
# them a second time; vLLM, which starts after it, never more than that.
CONVERTED = 8


def use_of(chosen: Mapping[str, Any]) -> Use:
    """Return how the engine's parameters will have the model run."""
    width = WIDTHS[chosen["dtype"]]
    return Use(
        chosen["context"], chosen["batch"], chosen["block"], width,
        1 if chosen["kv_type"] == "fp8" else width, chosen["kv_mib"] * MIB,
    )  # fmt: skip


def shape_of(described: Mapping[str, Any], weights: Path, where: str) -> _shape.Shape:
    """Return the shape of a snapshot or of a GGUF file, with the bytes of its weights in memory.

    weights: the file in the cache; of a snapshot its place there (_stored.py)
    Raises UserError if their metadata can't be read.
    """
    width = WIDTHS[described["parameters"]["dtype"]]
    stated = described.get("weights", {})
    if "files" not in stated:
        cards = wants_cards(described)
        return shape_of_gguf(weights, where, number=width if cards else max(width, CONVERTED))
    places = {file.name: place_of(weights, file) for file in files_of(stated)}
    with readable(where, f"{CONFIG} and *{TENSORS} of a text model"):
        config = read_json(places[CONFIG])
        quantised = _is_quantised(config) or bool(QUANTISED & set(places))
        tensors = [path for name, path in places.items() if name.endswith(TENSORS)]
        size = weights_in_memory(tensors, None if quantised else width)
        return _shape.of_config(config, size)


def _is_quantised(config: Mapping[str, Any]) -> bool:
    """Tell whether numbers stay as they are stored (GPTQ, AWQ, FP8, compressed-tensors)."""
    return any("quantization_config" in one for one in (config, config.get("text_config", {})))
