"""Pin a model file's weights: put digests and sizes where it says `pin: required`.

python3 -m assay.engines._pin config/models/NAME.yaml [FILE]

FILE is the one file of the weights; of `kind: snapshot` a folder, whose files are listed; of
`kind: ollama` none is needed: Ollama's registry knows digest and size.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import atomic, read_json, sha256_file
from assay.core.progress import say
from assay.core.settings import read_yaml
from assay.core.weights import OLLAMA, SNAPSHOT, TENSORS, mistakes, why_not
from assay.engines._ollama_registry import looked_up

SHARDS = "model.safetensors.index.json"
OTHER_FORM = "consolidated"  # Mistral's own layout of the same numbers, beside the usual one
_PIN = re.compile(r"^(\s+)pin: required\b.*$", re.MULTILINE)
_PATH = re.compile(r"^(\s+path: ).*$", re.MULTILINE)


def pinned(text: str, weights: Path, where: Path, *, several: bool = False) -> str:
    """Return a model file's text with the weights' digests and sizes; of `path:`, the place.

    several: the weights are a folder
    Raises UserError if they are not there, or the text does not ask to be pinned.
    """
    if not (weights.is_dir() if several else weights.is_file()):
        what = "folder" if several else "file"
        raise UserError(f"there is no such {what}", given=weights,
                        expected=f"the weights, one {what}")  # fmt: skip
    _require_question(text, where)
    text = _put(_listed(weights) if several else _stated(weights), text)
    return _PATH.sub(lambda match: f"{match[1]}{weights.absolute()}", text)


def _require_question(text: str, where: Path) -> None:
    if len(_PIN.findall(text)) != 1:
        raise UserError(
            "the model file does not ask to be pinned", where=where,
            expected="`pin: required` below `weights:`", hint="a pinned file stays as it is",
        )  # fmt: skip


def _put(lines: list[str], text: str) -> str:
    return _PIN.sub(lambda match: "\n".join(match[1] + line for line in lines), text)


def chosen(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """Return the files of a snapshot's folder that are listed, and why each other is left out.

    Raises UserError for a folder without config and weights, or one that lacks a part of them.
    """
    left = {path.name: _why_left(path) for path in folder.iterdir()}
    index = folder / SHARDS
    if index.is_file():
        parts = _parts(index)
        left |= {name: left[name] or f"no part of {SHARDS}"
                 for name in left if name.endswith(TENSORS) and name not in parts}  # fmt: skip
        missing = sorted(part for part in parts if left.get(part, "not there"))
        if missing:
            raise UserError(
                "the snapshot is not whole", where=folder, given=f"no {', '.join(missing)}",
                expected=f"each file that {SHARDS} names", hint="download it again",
            )  # fmt: skip
    files = sorted(folder / name for name, reason in left.items() if not reason)
    stated = {"kind": SNAPSHOT, "path": "", "files": [{"file": path.name} for path in files]}
    for _, problem, given, expected, _ in mistakes(stated):
        raise UserError(problem, where=folder, given=given, expected=expected)
    return files, {name: reason for name, reason in sorted(left.items()) if reason}


def _why_left(path: Path) -> str:
    if not path.is_file():
        return "a folder" if path.is_dir() else "no file"
    if path.name.startswith(OTHER_FORM) and path.name.endswith(TENSORS):
        return "the same weights in another layout"
    return why_not(path.name) or ("" if path.stat().st_size else "empty")


def _parts(index: Path) -> set[str]:
    found = read_json(index)
    named = found.get("weight_map") if isinstance(found, Mapping) else None
    if not isinstance(named, Mapping):
        raise UserError("the index of the weights is damaged", where=index, expected="weight_map")
    return {str(name) for name in named.values()}


def _stated(weights: Path) -> list[str]:
    return [f"sha256: {sha256_file(weights)}", f"size: {weights.stat().st_size}"]


def _listed(folder: Path) -> list[str]:
    files, left = chosen(folder)
    for name, reason in left.items():
        say(f"left out: {name} ({reason})")
    lines = ["files:                         # each of them, and no other is shown to the engine"]
    for path in files:
        say(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB")
        digest, size = sha256_file(path), path.stat().st_size
        lines.append(f"  - {{file: {path.name}, sha256: {digest}, size: {size}}}")
    return lines


def pin(model: Path, weights: Path | None) -> None:
    """Rewrite the model file; raise UserError if it can't be pinned.

    weights: a file or folder; None: to be asked for at Ollama's registry
    """
    if not model.is_file():
        raise UserError("there is no such model file", given=model, expected="MODEL=its name")
    described: Any = read_yaml(model).get("weights")
    kind = described.get("kind") if isinstance(described, Mapping) else None
    text = model.read_text("utf-8")
    if weights is not None:
        text = pinned(text, weights, model, several=kind == SNAPSHOT)
    elif kind == OLLAMA:
        _require_question(text, model)
        digest, size = looked_up(described["model"], str(model))
        text = _put([f"sha256: {digest}", f"size: {size}"], text)
    else:
        raise UserError("no weights are given", where=model, given=f"kind: {kind}",
                        expected="FILE=the weights, a file or a folder")  # fmt: skip
    with atomic(model) as stream:
        stream.write(text.encode())


def main(model: str, weights: str = "") -> None:
    """Pin, and exit as every program of the project does."""
    try:
        pin(Path(model), Path(weights).expanduser() if weights else None)
    except UserError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    say(f"{model} is pinned: look at it, and at its licence, and commit it")


if __name__ == "__main__":
    main(*sys.argv[1:3])
