"""The folder that vLLM loads a model from: a snapshot as it is, or one made of a GGUF file."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file
from assay.core.weights import digest_over
from assay.engines.base import EngineDiedError

CONVERTER = Path(__file__).with_name("_vllm_convert.py")
GGUF = b"GGUF"


def prepare(
    weights: Path, home: Path, python: Sequence[str], run: tuple[Mapping[str, str], IO[bytes]]
) -> Path:
    """Return the model's folder: `weights` itself, or what is made of a GGUF file below `home`.

    run: environment and log of the program that converts
    Raises UserError if the weights are neither, EngineDiedError if they can't be converted.
    """
    if weights.is_dir():
        return weights
    with weights.open("rb") as stream:
        if stream.read(len(GGUF)) != GGUF:
            raise UserError(
                "vLLM can't load these weights", where="weights",
                expected="a GGUF file, or a folder with config.json and safetensors",
            )  # fmt: skip
    folder = home / "model"
    if not folder.is_dir():
        environment, log = run
        scratch = home / "converted"
        done = subprocess.run(
            [*python, str(CONVERTER), str(weights.absolute()), str(scratch)], check=False,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment),
        )  # fmt: skip
        if done.returncode:
            raise EngineDiedError(
                f"the GGUF file could not be converted (status {done.returncode}; see the log)"
            )
        scratch.rename(folder)
    return folder


def chat_template(folder: Path, named: str | None) -> str:
    """Return the chat template that is named, else the model's own.

    Raises UserError if there is none.
    """
    if named:
        return named
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    found: Any = read_json(settings).get("chat_template") if settings.is_file() else None
    if isinstance(found, list):  # [{"name", "template"}], where there are several
        found = {one["name"]: one["template"] for one in found}.get("default")
    if not found:
        raise UserError(
            "the model has no chat template", where="chat_template", expected="Jinja text",
            hint="state one in the model file; a base model's may be its message alone",
        )  # fmt: skip
    return str(found)


def files_digest(folder: Path) -> str:
    """Return a digest over paths and contents of a model's files: of a snapshot its own."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return digest_over((path.relative_to(folder).as_posix(), sha256_file(path)) for path in files)
