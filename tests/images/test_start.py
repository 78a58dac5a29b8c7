"""A run looks at its images before anything else: a receipt from last time proves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.images.names import image_name
from assay.images.store import image_file, image_folder
from assay.workflow.run import prepare


@pytest.fixture
def start(tmp_path, repository, monkeypatch):
    """Start a run in a cache and a work folder of its own, with a fake Apptainer in PATH."""
    program = tmp_path / "bin/apptainer"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho apptainer version 1.4.5\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    for name in ("APPTAINER_BIND", "APPTAINERENV_ASSAY_RUNTIME"):
        monkeypatch.setenv(name, "")

    def run(*, main_process=True):
        return prepare(repository, tmp_path / "work", {}, main_process=main_process)

    return run


def damaged(tmp_path: Path, image: str) -> None:
    """Put something else in the image's place, as a file and as a folder."""
    image_folder(tmp_path / "cache", image).mkdir(parents=True)
    image_file(tmp_path / "cache", image).write_bytes(b"not the image")


def test_a_damaged_image_stops_the_run_before_anything_runs(tmp_path, repository, start):
    damaged(tmp_path, image_name("tools", repository))
    with pytest.raises(UserError, match=r"the image is damaged(.|\n)*tools-\w{12}\.sqfs"):
        start()


def test_a_receipt_without_its_image_is_dropped_so_that_it_is_built_again(tmp_path, start):
    run = start(main_process=False)
    receipts = [
        tmp_path / "work" / run.result("build_image", f"{name}.json")
        for name in run.images.values()
    ]
    for receipt in receipts:
        receipt.parent.mkdir(parents=True, exist_ok=True)
        receipt.write_text("{}")
    start(main_process=False)
    assert all(receipt.exists() for receipt in receipts), "a dry run changes nothing"
    start()
    assert not any(receipt.exists() for receipt in receipts)
