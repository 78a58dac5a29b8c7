"""Writes /etc/ld.so.cache, which `ctypes.util.find_library` reads through ldconfig.

ldconfig itself could only be run in a chroot. The format is glibc's `glibc-ld.so.cache1.1`
(sysdeps/generic/dl-cache.h): a header, one entry a library, then the strings.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

MAGIC = b"glibc-ld.so.cache1.1"
LITTLE_ENDIAN = 2
X86_64_LIBC6 = 0x0303
SONAME = re.compile(r"lib[^/]*\.so(\.\d+)?")
HEADER = struct.Struct("<20sIIB3xIIII")
ENTRY = struct.Struct("<iIIIQ")


def write_cache(root: Path, folder: str) -> None:
    """List the libraries of one folder below `root`, such as `usr/lib/x86_64-linux-gnu`."""
    names = [path.name for path in (root / folder).iterdir() if SONAME.fullmatch(path.name)]
    ordered = sorted(names, key=_order, reverse=True)
    start = HEADER.size + ENTRY.size * len(ordered)
    strings, entries = b"", []
    for name in ordered:
        value = f"/{folder}/{name}".encode() + b"\0"
        at = start + len(strings)
        # The library's name is the tail of its path, so both share the string.
        entries.append(ENTRY.pack(X86_64_LIBC6, at + len(folder) + 2, at, 0, 0))
        strings += value
    header = HEADER.pack(MAGIC, len(ordered), len(strings), LITTLE_ENDIAN, 0, 0, 0, 0)
    (root / "etc/ld.so.cache").write_bytes(header + b"".join(entries) + strings)


def _order(name: str) -> list[tuple[int, int]]:
    """Return the key of glibc's own order: digits by value, and before them nothing else."""
    key: list[tuple[int, int]] = []
    for number, char in re.findall(r"(\d+)|(.)", name):
        key.append((1, int(number)) if number else (0 if ord(char) < ord("0") else 2, ord(char)))
    return key
