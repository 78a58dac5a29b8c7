"""Run Snakemake's linter and read it as JSON: the only finding allowed is a step on the host.

`snakemake --lint json` of 9.27 drops the word `json`, so the linter is called by Snakemake's API;
and its report holds file objects, which json can't write, so they are turned into text.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from unittest import mock

from snakemake.api import SnakemakeApi
from snakemake.settings.types import OutputSettings, ResourceSettings

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = "Specify a conda environment or container for each rule."
ON_HOST = {"fetch_source", "fetch_model", "build_image"}


def findings() -> list[tuple[str, str]]:
    """Return (rule or file, title) of every finding."""
    os.chdir(ROOT)
    told = io.StringIO()
    as_text = mock.patch.object(json.JSONEncoder, "default", lambda _, value: str(value))
    with SnakemakeApi(OutputSettings()) as api, contextlib.redirect_stdout(told), as_text:
        workflow = api.workflow(resource_settings=ResourceSettings(), snakefile=ROOT / "Snakefile")
        workflow.lint(json=True)
    text = told.getvalue()
    if "{" not in text:
        sys.exit(f"lint: the linter did not report: {text}")
    report = json.loads(text[text.index("{") :])
    found = [
        (entry["snakefile"], lint["title"])
        for entry in report["snakefiles"]
        for lint in entry["lints"]
    ]
    return found + [
        (entry["for"]["rule"], lint["title"])
        for entry in report["rules"]
        for lint in entry["lints"]
    ]


if __name__ == "__main__":
    found = findings()
    wrong = [(rule, title) for rule, title in found if not (title == ALLOWED and rule in ON_HOST)]
    for rule, title in wrong:
        print(f"lint: {rule}: {title}")
    print(f"lint: {len(found) - len(wrong)} allowed findings, {len(wrong)} others")
    sys.exit(bool(wrong))
