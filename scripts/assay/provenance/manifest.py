"""The manifest: the digest of every input and output of a run, and what each depends on.

`manifest.json` is deterministic. What was measured on this machine (timings, logs, versions) is
listed in `telemetry/pack_manifest/measured.json`.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from assay.core.errors import HarnessError
from assay.core.files import read_json, sha256_file

FORMAT = 1
# Outputs of these rules also depend on the engine's fingerprint; all others on the config alone.
AFTER_MODEL = ("run_model", "score_answers", "summarise_scores")
CONFIG, FINGERPRINT, MACHINE = "config", "config and engine fingerprint", "machine"


def manifest(root: Path, files: Iterable[Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of the deterministic files below `root` (results/<run>).

    settings: {"recorded": the config, "code": rule -> digest}.
    """
    listed = [_entry(root, path) for path in sorted(set(files))]
    return {
        "format": FORMAT,
        "run": root.name,
        "config": settings["recorded"],
        "code": settings["code"],
        "inputs": inputs(root, [entry["path"] for entry in listed]),
        "files": listed,
    }


def measured(root: Path, files: Iterable[Path], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return digests of the measured files and the versions found on this machine."""
    return {
        "format": FORMAT,
        "run": root.name,
        "machine": {
            "kernel": platform.release(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "container_runtime": environment.get("ASSAY_RUNTIME", "unknown"),
        },
        "files": [_entry(root, path) for path in sorted(set(files))],
    }


def _entry(root: Path, path: Path) -> dict[str, Any]:
    name = path.relative_to(root).as_posix()
    rule = name.partition("/")[0]
    depends = MACHINE if rule == "telemetry" else FINGERPRINT if rule in AFTER_MODEL else CONFIG
    return {
        "path": name, "sha256": sha256_file(path), "size": path.stat().st_size,
        "depends_on": depends,
    }  # fmt: skip


def inputs(root: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return what the receipts among the named files say of sources, weights and images."""
    kinds = {"fetch_source": "sources", "fetch_model": "weights", "build_image": "images"}
    found: dict[str, dict[str, Any]] = {kind: {} for kind in kinds.values()}
    for name in names:
        rule, _, rest = name.partition("/")
        if rule in kinds and name.endswith(".json"):
            key = rest.partition("/")[0].removesuffix(".json")
            record = read_json(root / name)
            if not isinstance(record, dict):
                raise HarnessError(f"{name} is no receipt")
            found[kinds[rule]][key] = record
    return found
