"""What a model file says of its weights: one file by its digest, or a snapshot of several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.core.files import canonical_json, sha256_text

SNAPSHOT, OLLAMA = "snapshot", "ollama"
CONFIG, TENSORS = "config.json", ".safetensors"
ENDINGS = (".json", TENSORS, ".jinja", ".model", ".txt")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Stored:
    """One file of weights: its name in a snapshot ("" for weights of one file), digest, bytes."""

    name: str
    sha256: str
    size: int

    def place(self, cache: Path) -> Path:
        """Return where the file lies in the cache."""
        return place_of(cache, self.sha256)


def place_of(cache: Path, digest: str) -> Path:
    """Return where the cache keeps a file of weights, or a whole snapshot, by its digest."""
    return cache / "weights" / digest


def files_of(weights: Mapping[str, Any]) -> tuple[Stored, ...]:
    """Return the files of pinned weights, of a model file or of a receipt, sorted by name."""
    if "files" not in weights:
        return (Stored("", weights["sha256"], weights["size"]),)
    found = [Stored(one["file"], one["sha256"], one["size"]) for one in weights["files"]]
    return tuple(sorted(found, key=lambda file: file.name))


def digest_of(weights: Mapping[str, Any]) -> str:
    """Return the digest of pinned weights: of the one file, or over a snapshot's."""
    if "files" not in weights:
        return str(weights["sha256"])
    return digest_over((file.name, file.sha256) for file in files_of(weights))


def digest_over(named: Iterable[tuple[str, str]]) -> str:
    """Return one SHA-256 over names and digests of files, in any order."""
    return sha256_text(canonical_json(sorted(map(list, named))))


def why_not(name: str) -> str | None:
    """Return why a snapshot may not hold a file of this name, or None if it may."""
    if not _NAME.fullmatch(name):
        return "a plain name is needed, without folders"
    if name.endswith(PICKLES):
        return "a pickle runs code when it is read"
    if name.endswith(".py"):
        return "code of a model is never run"
    return None if name.endswith(ENDINGS) else f"not one of *{', *'.join(ENDINGS)}"


def mistakes(weights: Mapping[str, Any]) -> Iterator[tuple[str, str, object, str, str]]:
    """Yield (place, problem, given, expected, hint) for each mistake in a model file's weights.

    Only what a schema can't say: of what kind they are, and which files a snapshot may hold.
    """
    if weights.get("kind") != SNAPSHOT:
        if "files" in weights:
            yield ("files", "only a snapshot has files", f"kind: {weights.get('kind')}",
                   f"kind: {SNAPSHOT}", f"say `kind: {SNAPSHOT}`, or remove them")  # fmt: skip
        return
    for name in ("sha256", "size", "file"):
        if name in weights:
            yield (name, "a snapshot has several files", name, "files: [{file, sha256, size}, …]",
                   "remove it")  # fmt: skip
    if "path" not in weights and not {"repository", "revision"} <= set(weights):
        yield ("", "a snapshot from nowhere", "neither path nor repository and revision",
               "path: a folder | repository and revision: a hub's", "say where it is")  # fmt: skip
    if "files" in weights:
        yield from _of_files([one["file"] for one in weights["files"]])


def _of_files(names: list[str]) -> Iterator[tuple[str, str, object, str, str]]:
    for name in sorted(set(names)):
        reason = why_not(name)
        if reason:
            yield ("files", "a file that no snapshot may hold", name, reason,
                   "leave it out: the engine would not load it")  # fmt: skip
        if names.count(name) > 1:
            yield ("files", "a file is named twice", name, "each name once", "remove one")
    if CONFIG not in names or not any(name.endswith(TENSORS) for name in names):
        yield ("files", "the snapshot is not whole", " | ".join(sorted(names)),
               f"{CONFIG} and *{TENSORS}", "list them: `make pin` does")  # fmt: skip
