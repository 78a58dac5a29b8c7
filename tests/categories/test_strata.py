"""docs/strata.md says what the constants say."""

import importlib
import re
from pathlib import Path

import pytest

from assay.categories import _exploit, _understanding
from assay.core.settings import read_yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/strata.md").read_text("utf-8")
NAMES = ("trivial", "standard", "hard", "adversarial")
ROW = re.compile(r"(?m)^\| `(\w+)\.(\w+)(?:\.(\w+))?`[^|]*\|(.*)\|$")
ROWS = [match.groups() for match in ROW.finditer(PAGE)]
PER_STRATUM = {
    "_generation_dials": {"PROMPT_FACTOR", "SHOWN_CHARACTERS", "STRATA"},
    "_generation": {"MOST_CARDS", "MOST_CALLERS", "DEFINITION_CHARACTERS"},
    "_understanding": {
        "PROMPT_FACTOR",
        "SHOWN_CHARACTERS",
        "MOST_VIOLATED",
        "MOST_NAMED",
        "WEIGHT",
    },
    "security_audit": {"PROMPT_FACTOR"},
    "_audit_plan": {"WEIGHT"},
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ".".join(filter(None, row[:3])))
def test_a_number_of_the_page_is_the_constant(row):
    module, name, part, cells = row
    value = getattr(importlib.import_module(f"assay.categories.{module}"), name)
    told = [cell.strip() for cell in cells.split("|")]
    if isinstance(value, dict):
        held = [getattr(value[n], part) if part and n in value else value.get(n) for n in NAMES]
        assert told == ["as hard" if item is None else str(item) for item in held]
    else:
        assert told == [str(value)]


def test_every_dial_that_is_set_by_stratum_is_on_the_page():
    on_page = {(module, name) for module, name, *_ in ROWS}
    dials = set()
    for path in sorted((ROOT / "scripts/assay/categories").glob("*.py")):
        module = importlib.import_module(f"assay.categories.{path.stem}")
        for name, value in vars(module).items():
            own = name.isupper() and isinstance(value, dict) and {"trivial", "hard"} <= set(value)
            if own and re.search(rf"(?m)^{name}\b", path.read_text("utf-8")):
                dials.add((path.stem, name))
    assert dials == on_page & dials
    assert dials == {(module, name) for module, names in PER_STRATUM.items() for name in names}


@pytest.mark.parametrize(
    ("what", "asked"), [("a witness", _understanding.EXCERPTS), ("an exploit", _exploit.ASKED)]
)
def test_the_page_says_which_strata_ask_for_evidence(what, asked):
    cells = re.search(rf"(?m)^\| {what} is asked for \|(.*)\|$", PAGE)[1].split("|")
    assert [cell.strip() for cell in cells] == ["yes" if n in asked else "no" for n in NAMES]


def test_the_config_mixes_all_four():
    assert tuple(read_yaml(ROOT / "config/config.yaml")["tasks"]["strata"]) == NAMES
    assert sum(read_yaml(ROOT / "config/config.yaml")["tasks"]["strata"].values()) == 100
    characters = read_yaml(ROOT / "config/config.yaml")["tasks"]["prompt_characters"]
    assert f"({characters:,} characters" in PAGE
