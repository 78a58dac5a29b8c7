"""Whether a model will fit into memory, before it is loaded, and how much of it would.

Compared with what the model file declares (`memory.available_mib`), else with the card that
`nvidia-smi` shows where layers go to one, else with the machine's own memory.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from gguf import GGUFReader

from assay.core.errors import UserError
from assay.core.progress import say
from assay.engines import _budget, _shape
from assay.engines._budget import MIB, Use, mib

QUERY = ("--query-gpu=memory.total", "--format=csv,noheader,nounits")
TIMEOUT_S = 60
BROKEN = (ValueError, KeyError, IndexError, OverflowError, OSError, UnicodeDecodeError)


def plan(model: str, described: Mapping[str, Any], weights: Path | None) -> dict[str, Any]:
    """Return the record of a model's memory; one that needs none (a solver) has no `bytes`.

    described: the model file's content; `parameters` as the engine `llamacpp` has them
    Raises UserError if it does not fit, or if the weights' metadata can't be read.
    """
    where = f"config/models/{model}.yaml"
    if weights is None or "ubatch" not in described.get("parameters", {}):
        return {"model": model, "bytes": None}
    chosen = described["parameters"]
    use = Use(chosen["context"], chosen["ubatch"], chosen["kv_type"], chosen["flash_attention"])
    shape = shape_of(weights, where)
    declared = described.get("memory", {})
    available, source = _available(declared, chosen["gpu_layers"])
    reserve = declared.get("reserve_mib", _budget.RESERVE_MIB) * MIB
    record = {"model": model, "source": source, **_budget.table(shape, use, reserve, available)}
    _tell(record)
    _budget.require(record, where, source)
    return record


def shape_of(weights: Path, where: str) -> _shape.Shape:
    """Return the shape of a GGUF file; raise UserError if its metadata can't be read."""
    try:
        reader = GGUFReader(weights)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        return _shape.of_gguf(fields, sum(int(tensor.n_bytes) for tensor in reader.tensors))
    except BROKEN as error:
        raise UserError(
            "the weights' metadata can't be read", where=f"{where}: weights",
            given=f"{type(error).__name__}: {error}", expected="a whole GGUF file of a text model",
            hint="name other weights, or fetch these anew: delete them in the cache",
        ) from error  # fmt: skip


def _available(declared: Mapping[str, Any], gpu_layers: int) -> tuple[int | None, str]:
    """Return the bytes there are (None: not known), and where that is from."""
    if "available_mib" in declared:
        return declared["available_mib"] * MIB, "memory.available_mib of the model file"
    if not gpu_layers:
        return psutil.virtual_memory().total, "the machine's memory"
    card = _card()
    return card, "the first card that nvidia-smi shows" if card else "no card can be seen from here"


def _card() -> int | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    done = subprocess.run(
        [program, *QUERY], check=False, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    sizes = done.stdout.split()
    return int(sizes[0]) * MIB if not done.returncode and sizes and sizes[0].isdigit() else None


def _tell(record: Mapping[str, Any]) -> None:
    parts = ", ".join(f"{name} {mib(size):,}" for name, size in record["bytes"].items())
    there = "unknown" if record["available"] is None else f"{mib(record['available']):,} MiB"
    say(f"{record['model']} needs {mib(record['total']):,} MiB ({parts}); there are {there}")
