"""The licence that a source declares, and where that was found; nothing of it is run."""

import json

import pytest

from assay.sources.licence import licence, metadata
from assay.sources.tree import FILE, FOLDER, LINK, Entry

MIT = b"Permission is hereby granted, free of charge, to any\n   person obtaining a copy of it\n"


def found(**files):
    names = {name.replace("__", "."): data for name, data in files.items()}
    return licence({name: Entry(FILE, data) for name, data in names.items()})


def spdx(files):
    record = licence({name: Entry(FILE, data) for name, data in files.items()})
    json.dumps(record, ensure_ascii=False).encode("utf-8")
    return record["spdx"], record["from"]


@pytest.mark.parametrize(("files", "expected"), [
    ({"PKG-INFO": b"License-Expression: MIT OR Apache-2.0\n"},
     ("MIT OR Apache-2.0", "metadata, License-Expression")),
    ({"PKG-INFO": b"License: ISC\n"}, ("ISC", "metadata, License")),
    ({"PKG-INFO": b"License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n"},
     ("MIT", "metadata, Classifier")),
    ({"d-1.dist-info/METADATA": b"License: MIT\n"}, ("MIT", "metadata, License")),
    ({"pyproject.toml": b"[project]\nlicense = 'MPL-2.0'\n"}, ("MPL-2.0", "pyproject.toml")),
    ({"pyproject.toml": b"[project]\nlicense.text = 'MIT License'\n"}, ("MIT", "pyproject.toml")),
    ({"setup.cfg": b"[metadata]\nlicense = BSD 3-Clause License\n"}, ("BSD-3-Clause", "setup.cfg")),
    ({"setup.py": b"setup(license='The MIT License')"}, ("MIT", "setup.py")),
    ({"setup.py": b"setup(classifiers=['License :: OSI Approved :: ISC License (ISCL)'])"},
     ("ISC", "setup.py")),
    ({"LICENSE": MIT}, ("MIT", "LICENSE")),
    ({"COPYING.txt": b"SPDX-License-Identifier: GPL-2.0-only\n"}, ("GPL-2.0-only", "COPYING.txt")),
    ({"LICENSES/own": MIT}, ("MIT", "LICENSES/own")),
    ({"setup.py": b"setup(license='BSD')", "LICENSE": MIT}, ("MIT", "LICENSE")),
    ({"sub/LICENSE": MIT, "licences.py": MIT}, (None, None)),
    ({}, (None, None)),
])  # fmt: skip
def test_where_a_licence_is_found(files, expected):
    assert spdx(files) == expected


def test_what_is_declared_is_kept_as_written():
    record = found(LICENSE=MIT, setup__py=b"setup(license='BSD')")
    assert record["declared"] == ["BSD"]
    assert record["files"] == ["LICENSE"]


@pytest.mark.parametrize("files", [
    {"LICENSE-\udcff": MIT},
    {"setup.py": b"setup(license='\\ud800')"},
    {"setup.py": b"setup(license={[]: 1})"},
    {"setup.py": b"setup(license=" + b"-" * 100_000 + b"1)"},
    {"setup.py": b"setup(license=" + b"[" * 150 + b"]" * 150 + b")"},
    {"setup.py": b"x" + b".x" * 100_000},
    {"setup.py": b"\0"}, {"setup.py": b"# coding: nonsense\n"}, {"setup.py": b"\xff"},
    {"setup.py": b"import os; os._exit(3)\nsetup(license=os.environ['HOME'])"},
    {"pyproject.toml": b"project = 1"}, {"pyproject.toml": b"[project]\nlicense = 3"},
    {"pyproject.toml": b"a = " + b"[" * 20_000}, {"pyproject.toml": b"[project]\nclassifiers=1"},
    {"pyproject.toml": b"[project]\nlicense = {file = 'x'}\nclassifiers = [1, {}]"},
    {"setup.cfg": b"[metadata\n"}, {"setup.cfg": b"[metadata]\nlicense\n"},
    {"setup.cfg": b"[metadata]\nlicense = %(x)s\n"}, {"PKG-INFO": b"\xff\xfe: x\nLicense: \xff\n"},
], ids=lambda files: str(files)[:40])  # fmt: skip
def test_nothing_in_a_source_breaks_the_record(files):
    assert spdx(files) in {(None, None), ("MIT", "LICENSE-\\xff")}


def test_links_and_folders_are_no_texts():
    tree = {"LICENSE": Entry(LINK, b"x"), "COPYING": Entry(FOLDER)}
    assert licence(tree)["files"] == []


def test_metadata_fields_are_lists():
    tree = {"PKG-INFO": Entry(FILE, b"Name: d\nClassifier: a\nClassifier: b\n\nName: body\n")}
    assert metadata(tree) == {"Name": ["d"], "Classifier": ["a", "b"]}
