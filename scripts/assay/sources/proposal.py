"""A proposed target: its source fetched and looked at, its config written, what is missing said."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assay.core.errors import UserError
from assay.sources.fetch import fetch
from assay.sources.index import Index
from assay.sources.licence import metadata
from assay.sources.survey import Survey, survey
from assay.sources.tree import read, read_members

TOOLS = ("coverage", "pytest")
ENTRIES_MAX = 20
ALIASES = {"yaml": "pyyaml", "dateutil": "python-dateutil", "attr": "attrs", "PIL": "pillow"}


@dataclass(frozen=True)
class Proposal:
    """Files to write (path in the repository -> text), and what is left to do."""

    files: dict[str, str]
    left: list[str]


def source_of(archive: str, url: str, commit: str) -> dict[str, Any]:
    """Return a target's `source` for `name==version`, or for a git URL and a commit.

    Raises UserError if it is neither, or if the index has no source archive of that version.
    """
    if url and commit and not archive:
        return {"git": {"url": url, "commit": commit}}
    name, _, version = archive.partition("==")
    if not name or not version or url or commit:
        raise UserError(
            "a target needs one source", given=" ".join(filter(None, (archive, url, commit))),
            expected="ARCHIVE=name==version | URL=… COMMIT=<40 hex digits>",
        )  # fmt: skip
    file, sha256 = Index().source_archive(name, version)
    return {"archive": {"package": name, "version": version, "file": file, "sha256": sha256}}


def propose(name: str, source: Mapping[str, Any], cache: Path) -> Proposal:
    """Fetch the source, look at it and return the files of the target.

    Raises UserError for whatever can't be had, and where there is no package or no test.
    """
    with tempfile.TemporaryDirectory() as folder:
        tar, record = Path(folder) / "source.tar", Path(folder) / "source.json"
        fetch({"source": source}, cache, tar, record)
        files = dict(read_members(tar))
        fields = metadata(dict(read(tar)))
        facts = json.loads(record.read_text(encoding="utf-8"))
    found = survey(files)
    for what, items in (("package", found.packages), ("test", found.tests)):
        if not items:
            raise UserError(
                f"the source holds no {what}", where=name,
                expected="a folder with __init__.py and tests that pytest finds",
                hint="a source archive often leaves the tests out: give the repository instead",
            )  # fmt: skip
    summary = fields.get("Summary", [name])[0]
    return Proposal(
        {
            f"config/targets/{name}.yaml": _config(name, summary, source, facts, found),
            f"envs/targets/{name}.in": _requirements(name, fields, found),
        },
        _left(name, facts, found, fields),
    )


def _config(
    name: str, summary: str, source: Mapping[str, Any], facts: Mapping[str, Any], found: Survey
) -> str:
    head = {"description": summary, "source": source, "licence": facts["licence"]["spdx"] or "?"}
    lines = [
        f"# {name}: proposed by `make target`; read it, and correct what is wrong.",
        _yaml(head),
    ]
    lines += [f"scan: {_flow(found.packages)}  # folders with the code that tasks are made of"]
    if found.source_roots:
        lines += [f"source_roots: {_flow(found.source_roots)}  # folders that imports start from"]
    lines += [f"requirements: envs/targets/{name}.txt"]
    if found.imported:
        lines += ["# Third-party modules of the target, imported once for all runs; not itself:"]
        lines += ["# preload: []"]
    lines += ["tests:", f"  paths: {_flow(found.tests)}"]
    lines += [
        "  # Tests that can't run in the sandbox (no network, no installed package), each with"
    ]
    lines += ["  # its reason; a name without :: is a file:"]
    lines += ["  # deselect:", '  #   - {test: "tests/test_x.py::test_y", reason: "network"}']
    modules = sorted({entry.name.partition(":")[0] for entry in found.entries})
    lines += ["# Classes and functions whose objects may stand among a scenario's arguments:"]
    lines += [f"values: {_flow([f'{module}:*' for module in modules])}"]
    lines += ["# Public uses that scenarios are recorded at, by how often the tests call them:"]
    lines += ["entry_points:" if found.entries else "entry_points: []"]
    for entry in found.entries[:ENTRIES_MAX]:
        lines += [f"  - entry: {entry.name}  # {entry.uses} calls in the tests"]
        lines += [f"    methods: {_flow(entry.methods)}"] if entry.methods else []
    return "\n".join(lines) + "\n"


def _yaml(value: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=96)
    return text.rstrip()


def _flow(items: list[str]) -> str:
    text: str = yaml.safe_dump(items, default_flow_style=True, width=10_000)
    return text.strip()


def _requirements(name: str, fields: Mapping[str, list[str]], found: Survey) -> str:
    lines = [
        f"# What the tests of {name} need: proposed by `make target` from the metadata and from"
    ]
    lines += ["# what the tests import. The target itself must not stand here."]
    wanted = [text for text in fields.get("Requires-Dist", []) if "extra ==" not in text]
    known = {_plain(text) for text in (*wanted, *TOOLS)}
    guessed = [ALIASES.get(module, module) for module in found.imported]
    lines += sorted({*wanted, *TOOLS}) + [
        f"# {text}  # imported by the tests" for text in guessed if _plain(text) not in known
    ]
    return "\n".join(lines) + "\n"


def _plain(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]*", requirement)
    return re.sub(r"[-_.]+", "-", name[0] if name else "").lower()


def _left(
    name: str, facts: Mapping[str, Any], found: Survey, fields: Mapping[str, list[str]]
) -> list[str]:
    left = [] if facts["licence"]["spdx"] else ["licence: none was recognised; write it down"]
    if not found.entries:
        left += ["entry_points: the tests call no public name of the package; write some down"]
    if not fields:
        left += [f"envs/targets/{name}.in: no metadata here; add what the package depends on"]
    return [
        *left,
        f"read envs/targets/{name}.in, then lock it: make relock-of-{name}",
        f"build the image of its tests: make relock-images IMAGES=testbed-{name}",
        f"name it in a config (targets: [{name}]) and run: make run CONFIG=my.yaml",
    ]
