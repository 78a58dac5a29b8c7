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

    ASSAY_TESTBED_ROOT names one that is unpacked already; else it is unpacked from the cache.
    """
    given = os.environ.get("ASSAY_TESTBED_ROOT")
    if given:
        return Path(given)
    from assay.core.settings import read_yaml
    from assay.images.names import image_name
    from assay.images.store import cache_root, unpack_image

    target = read_yaml(ROOT / "config" / "targets" / "cerberus.yaml")
    image = image_name("testbed-cerberus", ROOT, target)
    return unpack_image(cache_root(), image)


@pytest.fixture(scope="session")
def working_copy(tmp_path_factory) -> Path:
    """A copy of the working tree without results, for tests that run the workflow."""
    folder = tmp_path_factory.mktemp("copy") / "assay"
    ignored = shutil.ignore_patterns(
        ".git", ".snakemake", "results", "__pycache__", ".venv", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder
