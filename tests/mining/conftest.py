"""The real extraction rules, and one file's units by their qualname."""

from pathlib import Path

import pytest

from assay.mining.rules import load_rules
from assay.mining.units import file_rows

FOLDER = Path(__file__).parents[2] / "config" / "extraction"


@pytest.fixture(scope="session")
def rules_folder():
    return FOLDER


@pytest.fixture(scope="session")
def rules():
    return load_rules(FOLDER)


@pytest.fixture(scope="session")
def mine(rules):
    """Text or bytes of a file -> what follows "path::" in its unit_ids -> row; "" is the file."""

    def mined(content, path="m.py"):
        data = content if isinstance(content, bytes) else content.encode()
        rows = file_rows(path, data, rules)
        return {row["unit_id"].partition("::")[2]: row for row in rows}

    return mined
