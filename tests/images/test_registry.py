"""Tags to digests, and blobs, asked of a fake registry that misbehaves on command."""

from __future__ import annotations

import hashlib

import pytest
from fake_registry import TOKEN, FakeRegistry, entry, layer

from assay.core.errors import UserError
from assay.images.registry import Registry
from assay.images.resolve import HUB, Reference, reference_of, resolve

LAYERS = [layer([entry("a", "one")]), layer([entry("b", "two" * 9)])]
OTHERS = ("arm64", "s390x")


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setenv("APPTAINER_NOHTTPS", "1")
    with FakeRegistry().serve() as made:
        yield made


def image(registry: FakeRegistry, tag: str = "1") -> str:
    return f"{registry.host}/lab/tiny:{tag}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vllm/vllm-openai:v1", Reference(HUB, "vllm/vllm-openai", "v1")),
        ("ubuntu:24.04", Reference(HUB, "library/ubuntu", "24.04")),
        ("ghcr.io/a/b:1", Reference("ghcr.io", "a/b", "1")),
        ("localhost/a:1", Reference("localhost", "a", "1")),
        ("lab:5000/a/b/c:x.y", Reference("lab:5000", "a/b/c", "x.y")),
    ],
)
def test_a_name_without_a_host_is_docker_hubs(text, expected):
    assert reference_of(text) == expected


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("locked", [True, False])
def test_a_tag_becomes_the_digest_for_this_machine(registry, indexed, locked):
    registry.locked = locked
    digest = registry.add_image("lab/tiny", "1", LAYERS, indexed=indexed)
    found = resolve(image(registry))
    sizes = [len(data) for data in registry.blobs.values()]
    assert found == {"image": image(registry), "digest": digest, "size": sum(sizes)}


def refused(name: str, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(name)
    said = str(caught.value)
    assert all(word in said for word in (*words, name)), said
    assert TOKEN not in said


def test_no_network_is_told():
    refused("127.0.0.1:9/lab/tiny:1", "can't reach the registry", "check the network")


def test_an_unknown_tag_is_told(registry):
    registry.add_image("lab/tiny", "1", LAYERS)
    refused(image(registry, "2"), "does not have it", "404", "/v2/lab/tiny/manifests/2")


def test_a_registry_that_refuses_is_told(registry):
    registry.add_image("lab/tiny", "1", LAYERS)
    registry.locked = registry.refuses = True
    refused(image(registry), "refuses access", "401")
    registry.locked, registry.status = False, 403
    refused(image(registry), "refuses access", "403")


def test_a_registry_that_fails_is_told(registry):
    registry.add_image("lab/tiny", "1", LAYERS)
    registry.status = 429
    refused(image(registry), "the registry failed", "429", "too often")


def test_an_image_for_other_machines_is_refused(registry):
    registry.add_index("lab/tiny", "1", dict.fromkeys(OTHERS, f"sha256:{'1' * 64}"))
    refused(image(registry), "not made for", "linux/arm64, linux/s390x", "linux/amd64")


def test_an_image_that_says_itself_that_it_is_for_others_is_refused(registry):
    digest = registry.add_image("lab/tiny", "1", LAYERS, indexed=False)
    old, new = next(iter(registry.blobs)), b'{"architecture": "arm64", "os": "linux"}'
    kind, data = registry.manifests["lab/tiny", digest]
    changed = data.replace(old.encode(), registry.add_blob(new).encode())
    registry.manifests["lab/tiny", "1"] = (kind, changed)
    refused(image(registry), "not made for", "linux/arm64")


@pytest.mark.parametrize("part", ["manifest", "config"])
def test_other_bytes_than_those_of_the_digest_are_refused(registry, part):
    digest = registry.add_image("lab/tiny", "1", LAYERS)
    if part == "manifest":
        kind, data = registry.manifests["lab/tiny", digest]
        registry.manifests["lab/tiny", digest] = (kind, data + b" ")
    else:
        config = next(name for name, data in registry.blobs.items() if b"rootfs" in data)
        registry.blobs[config] += b" "
    refused(image(registry), "other bytes than it should", digest if part == "manifest" else config)


@pytest.mark.parametrize("content", [{}, {"manifests": [{}]}, {"config": {}, "layers": []}])
def test_what_describes_no_image_is_refused(registry, content):
    registry.add_manifest("lab/tiny", "1", content)
    with pytest.raises(UserError, match=r"describes no image|not made for"):
        resolve(image(registry))


def test_what_is_no_json_is_refused(registry):
    registry.manifests["lab/tiny", "1"] = ("text/html", b"<html>")
    refused(image(registry), "other bytes than it should", "JSON")


def test_a_run_from_a_bundle_does_not_ask(registry, monkeypatch):
    monkeypatch.setenv("ASSAY_BUNDLE", "carried")
    refused(image(registry), "asks no network")
    assert registry.seen == []


DATA = bytes(range(256)) * 9000


def test_a_blob_that_breaks_off_goes_on_where_it_was(registry):
    digest = registry.add_blob(DATA)
    registry.breaks_at = 1_500_000
    got = b"".join(Registry(f"http://{registry.host}", "x").blob("lab/w", digest, len(DATA)))
    assert hashlib.sha256(got).digest() == hashlib.sha256(DATA).digest()
    (first, none), (second, ranged) = registry.seen
    assert (first, none) == (second, None)
    assert 0 < int(ranged.removeprefix("bytes=").removesuffix("-")) <= 1_500_000


def test_a_blob_that_is_longer_than_it_may_be_is_cut_off(registry):
    digest = registry.add_blob(DATA)
    with pytest.raises(UserError, match="more than 1000 bytes"):
        list(Registry(f"http://{registry.host}", "x").blob("lab/w", digest, 1000))
