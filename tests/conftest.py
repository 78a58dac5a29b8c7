"""What tests of several rooms share: the images that `make test` has built."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository under test."""
    return ROOT


@pytest.fixture(scope="session")
def testbed_root(tmp_path_factory) -> Path:
    """The root file system of Cerberus' testbed image, unpacked.

    ASSAY_TESTBED_ROOT names one that is unpacked already; else the cache's image is unpacked here.
    """
    given = os.environ.get("ASSAY_TESTBED_ROOT")
    if given:
        return Path(given)
    from assay.core.locks import exclusive
    from assay.images.build import builder_tools
    from assay.images.names import name_of, read_lock
    from assay.images.pack import unpack_image
    from assay.images.store import cache_root, image_file, image_folder

    lock, cache = read_lock(ROOT, "testbed-cerberus"), cache_root()
    image = name_of(lock)
    if image_folder(cache, image).is_dir():
        return image_folder(cache, image)
    if not image_file(cache, image).is_file():
        pytest.skip("the testbed image is not in the cache: `make setup-images` builds it")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # once for all workers
    root = shared / image
    with exclusive(shared / "testbed-root.lock", image):
        if not root.is_dir():
            scratch = tmp_path_factory.mktemp("builder")
            unpack_image(
                image_file(cache, image), scratch / "root", builder_tools(cache, lock, scratch)
            )
            (scratch / "root").rename(root)
    return root


@pytest.fixture(scope="session")
def working_copy(tmp_path_factory) -> Path:
    """A copy of the working tree without results, for tests that run the workflow."""
    folder = tmp_path_factory.mktemp("copy") / "assay"
    ignored = shutil.ignore_patterns(
        ".git", ".snakemake", "results", "__pycache__", ".venv", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder
