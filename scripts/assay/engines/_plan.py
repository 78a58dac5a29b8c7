"""Whether a model will fit into memory, before it is loaded, and how much of it would.

Compared with what the model file declares (`memory.available_mib`), else with the card that
`nvidia-smi` shows where the model goes to one, else with the machine's own memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from assay.core.progress import say
from assay.engines import _budget, _smi, _vllm_budget, _vllm_plan
from assay.engines._budget import MIB, Use, mib
from assay.engines._metadata import shape_of
from assay.engines.base import wants_cards

QUERY = _smi.joined(["memory.total"])


def plan(model: str, described: Mapping[str, Any], weights: Path | None) -> dict[str, Any]:
    """Return the record of a model's memory; one that needs none (a solver) has no `bytes`.

    described: the model file's content; `parameters` as the engines llamacpp, ollama or vllm
    weights:   the file in the cache; of a snapshot its place there (_stored.py)
    Raises UserError if it does not fit, or if the weights' metadata can't be read.
    """
    where = f"config/models/{model}.yaml"
    chosen, declared = described.get("parameters", {}), described.get("memory", {})
    if weights is None or not {"ubatch", "kv_mib"} & set(chosen):
        return {"model": model, "bytes": None}
    cards = wants_cards(described)
    available, source = _available(declared, cards=cards)
    usual = _budget.CARD_RESERVE_MIB if cards else _budget.RESERVE_MIB
    reserve = declared.get("reserve_mib", usual) * MIB
    about = {"model": model, "source": source}
    if "kv_mib" in chosen:
        shape, use = _vllm_plan.shape_of(described, weights, where), _vllm_plan.use_of(chosen)
        record = {**about, **_vllm_budget.table(shape, use, reserve, available)}
        _tell(record)
        _vllm_budget.require(shape, use, record, (where, source))
        return record
    llama = Use(chosen["context"], chosen["ubatch"], chosen["kv_type"], chosen["flash_attention"])
    record = {**about, **_budget.table(shape_of(weights, where), llama, reserve, available)}
    _tell(record)
    _budget.require(record, where, source)
    return record


def _available(declared: Mapping[str, Any], *, cards: bool) -> tuple[int | None, str]:
    """Return the bytes there are (None: not known), and where that is from."""
    if "available_mib" in declared:
        return declared["available_mib"] * MIB, "memory.available_mib of the model file"
    if not cards:
        return psutil.virtual_memory().total, "the machine's memory"
    card = _card()
    return card, "the first card that nvidia-smi shows" if card else "no card can be seen from here"


def _card() -> int | None:
    program = _smi.find()
    rows = _smi.table(program, QUERY)[0] if program else []
    size = _smi.whole(rows[0][0]) if rows else None
    return size * MIB if size else None


def _tell(record: Mapping[str, Any]) -> None:
    parts = ", ".join(f"{name} {mib(size):,}" for name, size in record["bytes"].items())
    there = "unknown" if record["available"] is None else f"{mib(record['available']):,} MiB"
    say(f"{record['model']} needs {mib(record['total']):,} MiB ({parts}); there are {there}")
