"""Makes `box_target` importable by the tests of this room (pytest imports by file here)."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _loaded(name):
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"assay_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"assay_{name}"] = module
    spec.loader.exec_module(module)
    return module


BOX = _loaded("box_target")


@pytest.fixture(scope="session")
def material(tmp_path_factory, testbed_root):
    return BOX.material_over(tmp_path_factory.mktemp("tree"), testbed_root)
