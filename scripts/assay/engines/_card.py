"""Whether the cards are empty before a model starts: what is there would slow or spill it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.core.errors import UserError
from assay.core.progress import say
from assay.engines import _smi
from assay.engines._budget import RESERVE_MIB
from assay.engines.base import wants_cards

CARDS = _smi.joined(("index", "name", "memory.used", "memory.total"))
PROCESSES = "--query-compute-apps=pid,process_name,used_memory"


def require_empty(model: str, described: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return what each card holds before a model starts; None where none is used or can be asked.

    described: the model file's content; `memory.reserve_mib` of a card may be in use by others
    Returns [{"card": "0, name", "used_mib", "total_mib"}]
    Raises UserError if a card is not empty, or if nvidia-smi is there and does not answer.
    """
    if not wants_cards(described):
        return None
    program = _smi.find()
    if program is None:
        say("no nvidia-smi here: it is not known whether the card is empty")
        return None
    allowed = described.get("memory", {}).get("reserve_mib", RESERVE_MIB)
    found = [_card(cells) for cells in _cards(program)]
    for card in found:
        if card["used_mib"] is not None and card["used_mib"] > allowed:
            raise UserError(
                "the card is not empty", where=f"card {card['card']}",
                given=f"{card['used_mib']} of {card['total_mib']} MiB are in use{_users(program)}",
                expected=f"at most {allowed} MiB before a model starts",
                hint="end what uses the card and run again, or allow for it by "
                f"`memory.reserve_mib` in config/models/{model}.yaml",
            )  # fmt: skip
    return found


def _card(cells: Sequence[str]) -> dict[str, Any]:
    index, name, used, total = cells
    return {
        "card": f"{index}, {name}",
        "used_mib": _smi.whole(used),
        "total_mib": _smi.whole(total),
    }


def _users(program: str) -> str:
    """Return the processes on the cards; a name may hold commas, or be withheld."""
    rows = [cells for cells in _smi.table(program, PROCESSES)[0] if len(cells) >= 3]
    return "".join(f"; {', '.join(cells[1:-1])} ({cells[0]}): {cells[-1]} MiB" for cells in rows)


def _cards(program: str) -> list[list[str]]:
    rows, said = _smi.table(program, CARDS)
    if not rows or any(len(cells) != 4 for cells in rows):
        raise _silent(said)
    return rows


def _silent(given: str) -> UserError:
    return UserError(
        "nvidia-smi does not say what the card holds", given=given,
        expected="the memory of each card",
        hint="mend the driver, or set `gpu_layers: 0` (vLLM: `device: cpu`) in the model file",
    )  # fmt: skip
