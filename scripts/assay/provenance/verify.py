"""The check of this machine's results against a manifest, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import canonical_json, read_json, sha256_file
from assay.provenance.manifest import FORMAT

EQUAL, DIFFERENT, MISSING = "equal", "DIFFERENT", "MISSING"


@dataclass(frozen=True)
class Finding:
    """What became of one file of the manifest."""

    path: str
    verdict: str
    detail: str = ""


def verify(against: Path, results: Path) -> list[Finding]:
    """Compare the files below `results`/<run> with the manifest's digests.

    Raises UserError if `against` is no manifest of a known format.
    """
    theirs = read_json(against)
    if not isinstance(theirs, dict) or theirs.get("format") != FORMAT:
        raise UserError(
            "this is no manifest that this version can read", where=against,
            given=f"format {theirs.get('format')}" if isinstance(theirs, dict) else "no mapping",
            expected=f"format {FORMAT}", hint="give the file pack_manifest/manifest.json of a run",
        )  # fmt: skip
    root = results / theirs["run"]
    return [*_settings(theirs, root), *(_file(root, entry) for entry in theirs["files"])]


def _settings(theirs: Mapping[str, Any], root: Path) -> Iterator[Finding]:
    path = root / "pack_manifest" / "manifest.json"
    if not path.is_file():
        yield Finding("pack_manifest/manifest.json", MISSING, "run this config first")
        return
    ours = read_json(path)
    for part in ("config", "code"):
        names = sorted(_different(theirs[part], ours[part]))
        yield Finding(f"({part})", DIFFERENT if names else EQUAL, ", ".join(names))


def _different(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted({*theirs, *ours}):
            yield from _different(theirs.get(name), ours.get(name), f"{path}.{name}".lstrip("."))
    elif canonical_json(theirs) != canonical_json(ours):
        yield path


def _file(root: Path, entry: Mapping[str, Any]) -> Finding:
    path = root / entry["path"]
    if not path.is_file():
        return Finding(entry["path"], MISSING)
    size = path.stat().st_size
    if size != entry["size"]:
        return Finding(entry["path"], DIFFERENT, f"{size} bytes, theirs {entry['size']}")
    found = sha256_file(path)
    if found != entry["sha256"]:
        return Finding(
            entry["path"], DIFFERENT, f"sha256 {found[:12]}…, theirs {entry['sha256'][:12]}…"
        )
    return Finding(entry["path"], EQUAL)
