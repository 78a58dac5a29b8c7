"""A run refuses images that nobody has resolved before anything is made."""

from __future__ import annotations

import shutil

import pytest

from assay.core.errors import UserError
from assay.workflow.run import prepare


@pytest.fixture
def checkout(repository, tmp_path, monkeypatch):
    """A checkout whose model smollm2-135m runs in an image of a docker image without a lock."""
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    for name in ("config", "containers", "envs"):
        shutil.copytree(repository / name, tmp_path / "checkout" / name)
    (tmp_path / "checkout/containers/locks/engine-ollama.lock.json").unlink(missing_ok=True)
    model = tmp_path / "checkout/config/models/smollm2-135m.yaml"
    text = model.read_text()
    assert "image: engine-llamacpp" in text
    model.write_text(text.replace("image: engine-llamacpp", "image: engine-ollama"))
    return tmp_path / "checkout"


@pytest.mark.parametrize("main_process", [True, False])
def test_a_run_that_names_such_an_image_is_refused_with_the_command(
    checkout, tmp_path, main_process
):
    overrides = {"models": ["smollm2-135m"]}
    with pytest.raises(UserError, match=r"not resolved(.|\n)*make relock ENGINE=engine-ollama"):
        prepare(checkout, tmp_path / "work", overrides, main_process=main_process)
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "work").exists()
