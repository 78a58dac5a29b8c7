"""A bill of materials of an image, in CycloneDX 1.6, from its lock.

Standard: https://cyclonedx.org/docs/1.6/json/ (ECMA-424), package URLs: ECMA-427.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL


def bill(lock: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CycloneDX document of a lock's image: packages and wheels, each with its digest.

    lock: as in containers/locks; what only the builder needs is of the scope `excluded`.
    The same lock gives the same document: it carries no time, and its number is made of the digest.
    """
    image = lock["result"]
    name, _, version = image["image"].rpartition("-")
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"urn:sha256:{image['sha256']}"))
    bom.metadata.timestamp = None  # type: ignore[assignment]  # when it was made says nothing
    bom.metadata.component = _component(
        PackageURL("oci", None, name, version), image["sha256"], ComponentType.CONTAINER
    )
    for component in _components(lock):
        bom.components.add(component)
    bom.register_dependency(bom.metadata.component, bom.components)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which packages need which others is not in the lock
        found: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    return found


def _components(lock: Mapping[str, Any]) -> Iterator[Component]:
    shipped = {(one["name"], one["version"]) for one in lock["packages"]}
    for entry in lock["packages"]:
        yield _debian(lock["suite"], entry, ComponentScope.REQUIRED)
    for entry in lock["builder_packages"]:
        if (entry["name"], entry["version"]) not in shipped:
            yield _debian(lock["suite"], entry, ComponentScope.EXCLUDED)
    if "docker" in lock:  # what is in it, it does not list
        name, digest = lock["docker"]["image"].rpartition(":")[0], lock["docker"]["digest"]
        url = PackageURL("docker", None, name, digest)
        yield _component(url, digest.removeprefix("sha256:"), ComponentType.CONTAINER)
    for wheels in lock["wheels"]:
        for entry in wheels["files"]:
            url = PackageURL("pypi", None, entry["name"], entry["version"],
                             {"file_name": entry["file"]})  # fmt: skip
            yield _component(url, entry["sha256"], ComponentType.LIBRARY)


def _debian(suite: str, entry: Mapping[str, Any], scope: ComponentScope) -> Component:
    machine = entry["path"].removesuffix(".deb").rpartition("_")[2]
    url = PackageURL("deb", "debian", entry["name"], entry["version"],
                     {"arch": machine, "distro": suite})  # fmt: skip
    return _component(url, entry["sha256"], ComponentType.LIBRARY, scope)


def _component(
    url: PackageURL, sha256: str, kind: ComponentType, scope: ComponentScope | None = None
) -> Component:
    return Component(
        name=url.name, version=url.version, type=kind, purl=url, bom_ref=url.to_string(),
        scope=scope, hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )  # fmt: skip
