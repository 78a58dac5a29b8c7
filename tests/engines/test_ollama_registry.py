"""Weights from a fake of Ollama's registry: looked up, pulled, gone on with, refused."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml
from fake_registry import FakeRegistry

from assay.core import settings
from assay.core.errors import UserError
from assay.engines._ollama_registry import WEIGHTS
from assay.engines._pin import pin
from assay.engines._weights import receipt_of

CONFIG = Path(__file__).parents[2] / "config"
DATA = bytes(range(256)) * 9000
DIGEST = hashlib.sha256(DATA).hexdigest()
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def registry(monkeypatch):
    """A registry with the model tiny:1b, as Ollama's own lays it out."""
    with FakeRegistry().serve() as made:
        monkeypatch.setenv("OLLAMA_REGISTRY", f"http://{made.host}/")
        put(made, [WEIGHTS])
        yield made


def put(registry: FakeRegistry, kinds: list[str], name: str = "library/tiny") -> None:
    others = ["application/vnd.ollama.image.template", "application/vnd.ollama.image.params"]
    layers = [
        {"mediaType": kind, "digest": registry.add_blob(DATA if kind == WEIGHTS else b"{}"),
         "size": len(DATA)}
        for kind in (*kinds, *others)
    ]  # fmt: skip
    registry.add_manifest(name, "1b", {"schemaVersion": 2, "layers": layers}, DOCKER)


def described(model: str = "tiny:1b", sha256: str = DIGEST) -> dict:
    stated = {"sha256": sha256, "size": len(DATA), "licence": "MIT"}
    return {"engine": "ollama", "weights": {"kind": "ollama", "model": model, **stated}}


def refused(model: dict, cache: Path, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        receipt_of("m", model, cache)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not cache.exists() or list((cache / "weights").iterdir()) == []


@pytest.mark.parametrize("model", ["tiny:1b", "somebody/tiny:1b"])
def test_the_layer_of_the_weights_is_taken_and_kept_by_its_digest(registry, tmp_path, model):
    put(registry, [WEIGHTS], "somebody/tiny")
    receipt = receipt_of("m", described(model), tmp_path)
    assert receipt["weights"] == {"sha256": DIGEST, "size": len(DATA), "licence": "MIT"}
    assert (tmp_path / "weights" / DIGEST).read_bytes() == DATA
    asked = [path for path, _ in registry.seen]
    name = model.partition(":")[0] if "/" in model else "library/tiny"
    assert asked == [f"/v2/{name}/manifests/1b", f"/v2/{name}/blobs/sha256:{DIGEST}"]
    receipt_of("m", described(model), tmp_path)
    assert len(registry.seen) == 2, "what is in the cache is not asked for"


def test_a_transfer_that_breaks_off_goes_on_where_it_was(registry, tmp_path):
    registry.breaks_at = 1_500_000
    receipt_of("m", described(), tmp_path)
    assert (tmp_path / "weights" / DIGEST).read_bytes() == DATA
    assert registry.seen[-1][1].startswith("bytes=")


def test_a_tag_that_stands_for_other_weights_is_refused(registry, tmp_path):
    refused(described(sha256="0" * 64), tmp_path, "other weights", DIGEST, "config/models/m.yaml")
    assert [path for path, _ in registry.seen] == ["/v2/library/tiny/manifests/1b"]


@pytest.mark.parametrize("damage", [lambda d: b"\1" + d[1:], lambda d: d[:-1], lambda d: d + b"x"])
def test_a_blob_of_other_bytes_is_refused(registry, tmp_path, damage):
    registry.blobs[f"sha256:{DIGEST}"] = damage(DATA)
    refused(described(), tmp_path, "tiny:1b")


def test_an_unknown_model_is_told(registry, tmp_path):
    refused(described("none:1b"), tmp_path, "does not have it", "none:1b", "404")


@pytest.mark.parametrize("kinds", [[], [WEIGHTS, WEIGHTS]])
def test_a_model_that_is_not_one_file_is_refused(registry, tmp_path, kinds):
    put(registry, kinds)
    refused(described(), tmp_path, "not one file of weights", f"{len(kinds)} layers")


def test_a_registry_that_is_not_named_or_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("OLLAMA_REGISTRY", raising=False)
    refused(described(), tmp_path, "OLLAMA_REGISTRY", "config/models/m.yaml")
    monkeypatch.setenv("OLLAMA_REGISTRY", "http://user:sesame@127.0.0.1:9")
    refused(described(), tmp_path, "can't reach", "127.0.0.1:9")
    with pytest.raises(UserError) as caught:
        receipt_of("m", described(), tmp_path)
    assert "sesame" not in str(caught.value)


def test_a_run_from_a_bundle_does_not_ask(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_BUNDLE", "carried")
    refused(described(), tmp_path, "asks no network", "tiny:1b")
    assert registry.seen == []


@pytest.fixture
def config(tmp_path) -> Path:
    """A config whose model of Ollama's is to be pinned."""
    folder = tmp_path / "config"
    shutil.copytree(CONFIG, folder)
    path = folder / "models/qwen3.6-35b-a3b-ollama.yaml"
    lines = path.read_text().splitlines(keepends=True)
    text = "".join(
        {"  kind: path": "  kind: ollama\n", "  path: ~/we": "  model: tiny:1b\n"}.get(
            line[:12], line
        )
        for line in lines
    )
    path.write_text(text)
    return folder


def test_pinning_asks_the_registry_and_a_run_is_refused_before(config, registry):
    path = config / "models/qwen3.6-35b-a3b-ollama.yaml"
    with pytest.raises(UserError, match=rf"make pin MODEL={path.stem}\n?"):
        settings.load(config, {"models": [path.stem]})
    pin(path, None)
    weights = settings.load(config, {"models": [path.stem]}).models[path.stem]["weights"]
    assert (weights["sha256"], weights["size"]) == (DIGEST, len(DATA))
    assert yaml.safe_load(path.read_text())["weights"]["model"] == "tiny:1b"
    with pytest.raises(UserError, match="does not ask to be pinned"):
        pin(path, None)


def test_other_weights_can_not_be_pinned_without_a_file(config):
    with pytest.raises(UserError, match=r"no weights are given(.|\n)*FILE="):
        pin(config / "models/gemma-4-31b.yaml", None)


@pytest.mark.parametrize("name", ["tiny", "a/b/c:1", "https://x/tiny:1"])
def test_a_name_of_another_form_is_refused_with_the_config(config, name):
    path = config / "models/qwen3.6-35b-a3b-ollama.yaml"
    path.write_text(path.read_text().replace("tiny:1b", f'"{name}"'))
    with pytest.raises(UserError, match=r"weights\.model: wrong form"):
        settings.load(config, {"models": [path.stem]})
