"""Looks up which image a name with a tag stands for today: the digest that a lock pins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from assay.core.errors import UserError
from assay.images.registry import MANIFESTS, Registry, address_of

HUB = "registry-1.docker.io"  # where a name without a host leads, as for Apptainer's `docker://`
PLATFORM = ("linux", "amd64")


@dataclass(frozen=True)
class Reference:
    """What `host/name:tag` names; the host is Docker Hub's where there is none."""

    host: str
    name: str
    tag: str


def reference_of(image: str) -> Reference:
    """Return the parts of a name with a tag, by Docker's rules for names without a host."""
    path, _, tag = image.rpartition(":")
    first, slash, rest = path.partition("/")
    if slash and (re.search(r"[.:]", first) or first == "localhost"):
        return Reference(first, rest, tag)
    return Reference(HUB, path if slash else f"library/{path}", tag)


def resolve(image: str) -> dict[str, Any]:
    """Return `image`, the `digest` of its manifest for linux/amd64 and its `size` in bytes.

    The size is what is transferred: the config and the compressed layers.
    Raises UserError if the registry can't be reached, refuses, knows no such tag, has it for no
    such machine, or answers with other bytes than those of the digest.
    """
    reference = reference_of(image)
    registry = Registry(address_of(reference.host), image)
    try:
        return {"image": image, **_resolved(registry, reference, image)}
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(
            "the registry's answer describes no image", where=image, given=repr(error),
            expected=" | ".join(MANIFESTS),
        ) from error  # fmt: skip


def _resolved(registry: Registry, reference: Reference, image: str) -> dict[str, Any]:
    digest, manifest = registry.manifest(reference.name, reference.tag)
    if "manifests" in manifest:
        digest = _of_platform(manifest["manifests"], image)
        digest, manifest = registry.manifest(reference.name, digest)
    config = registry.small(reference.name, manifest["config"]["digest"])
    found = (config.get("os"), config.get("architecture"))
    if found != PLATFORM:
        raise _no_platform(image, "/".join(map(str, found)))
    sizes = [part["size"] for part in (manifest["config"], *manifest["layers"])]
    return {"digest": digest, "size": sum(sizes)}


def _of_platform(listed: list[dict[str, Any]], image: str) -> str:
    found = {
        "/".join(filter(None, (named.get("os"), named.get("architecture"), named.get("variant")))):
        str(entry["digest"])
        for entry in listed if (named := entry.get("platform") or {})
    }  # fmt: skip
    wanted = "/".join(PLATFORM)
    if wanted not in found:
        raise _no_platform(image, ", ".join(sorted(found)) or "no platform")
    return found[wanted]


def _no_platform(image: str, given: str) -> UserError:
    return UserError(
        "the image is not made for this kind of machine", where=image, given=given,
        expected="/".join(PLATFORM), hint="take a tag that is made for it",
    )  # fmt: skip
