"""Weights from Ollama's registry: which file a model's tag stands for, and its bytes.

The registry speaks the protocol of image registries (assay.images.registry); the weights are the
layer of one media type, by https://github.com/ollama/ollama (server/images.go).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from assay.core.errors import UserError
from assay.core.progress import say
from assay.images.registry import Registry

ADDRESS = "OLLAMA_REGISTRY"
WEIGHTS = "application/vnd.ollama.image.model"


def looked_up(model: str, where: str) -> tuple[str, int]:
    """Return SHA-256 (hex) and size in bytes of the weights that `name:tag` stands for today.

    where: the file that names them, for messages
    Raises UserError if the registry is not named or not there, or has not one file of weights.
    """
    name, tag = _parts(model)
    _, manifest = _registry(model, where).manifest(name, tag)
    layers = manifest.get("layers")
    found = [
        (str(one.get("digest", "")).removeprefix("sha256:"), int(one.get("size", 0)))
        for one in (layers if isinstance(layers, list) else ())
        if one.get("mediaType") == WEIGHTS
    ]
    if len(found) != 1:
        raise UserError(
            "the model in Ollama's registry is not one file of weights", where=f"{where}: {model}",
            given=f"{len(found)} layers of the type {WEIGHTS}", expected="one",
            hint="take another tag; models in several files are not taken from there",
        )  # fmt: skip
    return found[0]


def pulled(weights: Mapping[str, Any], where: str) -> Iterator[bytes]:
    """Yield the bytes of the weights that are pinned; a transfer that breaks off goes on.

    Raises UserError if the tag stands for other weights by now, or they can't be had.
    """
    model, pinned = weights["model"], weights["sha256"]
    found, _ = looked_up(model, where)
    if found != pinned:
        raise UserError(
            "the tag stands for other weights than those that are pinned",
            where=f"{where}: weights.model", given=f"{model}: sha256 {found}",
            expected=f"sha256 {pinned}",
            hint="name a tag that still has them, or give the file by `kind: path`; new weights "
            "are another model: `pin: required`, then `make pin`",
        )  # fmt: skip
    say(f"fetching {model} from Ollama's registry")
    yield from _registry(model, where).blob(_parts(model)[0], f"sha256:{pinned}", weights["size"])


def _parts(model: str) -> tuple[str, str]:
    name, _, tag = model.rpartition(":")
    return (name if "/" in name else f"library/{name}"), tag


def _registry(model: str, where: str) -> Registry:
    address = os.environ.get(ADDRESS, "")
    if not address:
        raise UserError(
            "Ollama's registry is not named", where=f"{where}: weights.kind", given="ollama",
            expected=f"the environment variable {ADDRESS} with the registry's address",
            hint=f"set {ADDRESS}, or download the file by hand and use `kind: path`",
        )  # fmt: skip
    return Registry(address, model)
