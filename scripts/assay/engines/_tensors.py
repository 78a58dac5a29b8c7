"""How many bytes a snapshot's weights take in memory, by the headers of its safetensors files.

The format: 8 bytes with the header's length, a header in JSON, the numbers
(https://github.com/huggingface/safetensors, section Format).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

FLOATS = ("F64", "F32", "F16", "BF16")
LENGTH, MOST = 8, 100_000_000  # bytes of the header's length, and of a header


def weights_in_memory(files: Iterable[Path], width: int | None) -> int:
    """Return the bytes that the files' tensors take once they are loaded.

    width: bytes of a number that plain floats become; None where they are quantised, so that all
    stays as it is stored
    Raises ValueError, KeyError or TypeError for a file that is none of the format, or cut short.
    """
    return sum(_bytes(one, width) for path in files for one in _header(path).values())


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH), "little")
        if not 0 < length <= MOST:
            raise ValueError(f"{path.name} is no safetensors file")
        header = json.loads(stream.read(length))
    tensors = {name: one for name, one in header.items() if name != "__metadata__"}
    end = max((int(one["data_offsets"][1]) for one in tensors.values()), default=0)
    if path.stat().st_size != LENGTH + length + end:
        raise ValueError(f"{path.name} is not as long as its header says")
    return tensors


def _bytes(tensor: Mapping[str, Any], width: int | None) -> int:
    if width is not None and tensor["dtype"] in FLOATS:
        return int(prod(tensor["shape"])) * width
    start, end = tensor["data_offsets"]
    return int(end) - int(start)
