"""Pinning: digest and size of a file, put where a model file asks for them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from assay.core.errors import UserError
from assay.engines._pin import pin

MODEL = Path(__file__).parents[2] / "config" / "models" / "qwen3.6-35b-a3b-ollama.yaml"


@pytest.fixture
def files(tmp_path):
    model, weights = tmp_path / "m.yaml", tmp_path / "some.gguf"
    model.write_text(MODEL.read_text())
    weights.write_bytes(b"weights")
    return model, weights


def test_digest_size_and_path_of_a_file_take_the_place_of_the_word(files):
    model, weights = files
    before = yaml.safe_load(model.read_text())
    pin(model, weights)
    after = yaml.safe_load(model.read_text())
    assert after["weights"].pop("sha256") == hashlib.sha256(b"weights").hexdigest()
    assert after["weights"].pop("size") == 7
    assert after["weights"].pop("path") == str(weights)
    assert before["weights"].pop("pin") == "required"
    del before["weights"]["path"]
    assert after == before
    kept = [
        line
        for line in MODEL.read_text().splitlines()
        if "pin:" not in line and " path:" not in line
    ]
    assert [line for line in kept if line not in model.read_text().splitlines()] == []


def test_what_is_pinned_stays_as_it_is(files):
    model, weights = files
    pin(model, weights)
    text = model.read_text()
    weights.write_bytes(b"others")
    with pytest.raises(UserError, match="does not ask to be pinned"):
        pin(model, weights)
    assert model.read_text() == text


def test_a_file_that_is_not_there_is_named(files):
    model, weights = files
    with pytest.raises(UserError, match="no such file"):
        pin(model, weights.with_name("other"))
    with pytest.raises(UserError, match="no such model file"):
        pin(model.with_name("other.yaml"), weights)
