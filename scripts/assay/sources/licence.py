"""What licence a source says it has: from its metadata, and from its licence texts.

Only plain reading: nothing of the source is run. The identifier is SPDX's.
"""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator
from email.parser import BytesParser
from typing import Any

from assay.sources.archive import own_metadata
from assay.sources.tree import FILE, PROGRAM, Entry, kind, shown

_FILE_NAME = re.compile(r"(?i)(licen[cs]e|copying|unlicense)([-._].*)?")
_TAG = re.compile(r"SPDX-License-Identifier:\s*([\w.+() -]+)")
_EXPRESSION = re.compile(r"[A-Za-z0-9][\w.+-]*( (AND|OR|WITH) [A-Za-z0-9][\w.+-]*)*")
_SHORT = 60
# What ast raises for text that is no code or no literal, or is nested too deeply to tell.
_NO_CODE = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)
# Classifier or name in metadata -> SPDX; ambiguous ones ("BSD License") are left to the text.
_NAMES = {
    "Apache Software License": "Apache-2.0", "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0", "MIT License": "MIT", "MIT License (MIT)": "MIT",
    "ISC License (ISCL)": "ISC", "ISC License": "ISC", "The Unlicense (Unlicense)": "Unlicense",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only", "zlib/libpng License": "Zlib",
    "The MIT License": "MIT", "BSD 3-Clause License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
}  # fmt: skip
# Phrases that only one text holds, the more special first (whitespace and case do not count).
_TEXTS = (
    ("AGPL-3.0-only", "gnu affero general public license version 3"),
    ("LGPL-3.0-only", "gnu lesser general public license version 3"),
    ("LGPL-2.1-only", "gnu lesser general public license version 2.1"),
    ("GPL-3.0-only", "gnu general public license version 3"),
    ("GPL-2.0-only", "gnu general public license version 2"),
    ("Apache-2.0", "apache license version 2.0"),
    ("MPL-2.0", "mozilla public license version 2.0"),
    ("PSF-2.0", "python software foundation license version 2"),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"),
    ("ISC", "permission to use, copy, modify, and distribute this software for any purpose"),
    ("BSD-3-Clause", "may be used to endorse or promote products derived from this software"),
    ("BSD-2-Clause", "redistributions in binary form must reproduce the above copyright notice"),
    ("Unlicense", "this is free and unencumbered software released into the public domain"),
)


def licence(tree: dict[str, Entry]) -> dict[str, Any]:
    """Return {"spdx": identifier or null, "from": its evidence, "declared": [...], "files": [...]}.

    `declared` is what the metadata says, as written; `files` are the licence texts at the root.
    """
    paths = _licence_files(tree)
    files = [shown(path) for path in paths]
    declared = list(dict.fromkeys(text for _, text in _declared(tree)))
    for origin, text in _declared(tree):
        spdx = _spdx(text)
        if spdx:
            return {"spdx": spdx, "from": origin, "declared": declared, "files": files}
    for path in paths:
        spdx = _recognised(tree[path].data.decode("utf-8", "replace"))
        if spdx:
            return {"spdx": spdx, "from": shown(path), "declared": declared, "files": files}
    return {"spdx": None, "from": None, "declared": declared, "files": files}


def metadata(tree: dict[str, Entry]) -> dict[str, list[str]]:
    """Return the package's core metadata (PKG-INFO or METADATA), each field's values as a list."""
    message = BytesParser().parsebytes(own_metadata(tree) or b"", headersonly=True)
    fields: dict[str, list[str]] = {}
    for name, value in message.items():
        text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        fields.setdefault(name, []).append(text)
    return fields


def _licence_files(tree: dict[str, Entry]) -> list[str]:
    return sorted(
        path for path, entry in tree.items()
        if kind(entry) in (FILE, PROGRAM) and _is_licence_path(path)
    )  # fmt: skip


def _is_licence_path(path: str) -> bool:
    *parents, name = path.split("/")
    in_wheel = bool(parents) and parents[0].endswith(".dist-info")
    at_root = not parents or in_wheel or parents[0].upper() == "LICENSES"
    return at_root and bool(_FILE_NAME.fullmatch(name) or (parents and parents[0] == "LICENSES"))


def _declared(tree: dict[str, Entry]) -> Iterator[tuple[str, str]]:
    fields = metadata(tree)
    for name in ("License-Expression", "License", "Classifier"):
        yield from _worded(f"metadata, {name}", name, fields.get(name, []))
    project = _toml(tree).get("project", {})
    given = project.get("license", "")
    text = given.get("text", "") if isinstance(given, dict) else str(given)
    yield from _worded("pyproject.toml", "License", [text])
    yield from _worded("pyproject.toml", "Classifier", project.get("classifiers", []))
    yield from _worded("setup.cfg", "License", [_setup_cfg(tree)])
    for key, value in _setup_py(tree):
        yield from _worded("setup.py", "Classifier" if key == "classifiers" else "License", value)


def _worded(origin: str, field: str, values: Any) -> Iterator[tuple[str, str]]:
    for value in values if isinstance(values, list) else []:
        # A literal of setup.py may hold half a surrogate pair, which no record can.
        text = str(value).encode("utf-8", "replace").decode("utf-8").strip()
        if field == "Classifier":
            if text.startswith("License ::"):
                yield origin, text.rpartition(" :: ")[2]
        elif text and text != "UNKNOWN" and "\n" not in text and len(text) <= _SHORT:
            yield origin, text


def _toml(tree: dict[str, Entry]) -> dict[str, Any]:
    try:
        found = tomllib.loads(tree["pyproject.toml"].data.decode("utf-8"))
    except (KeyError, ValueError, RecursionError):
        return {}
    return found if isinstance(found.get("project", {}), dict) else {}


def _setup_cfg(tree: dict[str, Entry]) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(tree["setup.cfg"].data.decode("utf-8"))
    except (KeyError, ValueError, configparser.Error):
        return ""
    return parser.get("metadata", "license", fallback="")


def _setup_py(tree: dict[str, Entry]) -> Iterator[tuple[str, list[Any]]]:
    try:
        code = ast.parse(tree["setup.py"].data)
    except (KeyError, *_NO_CODE):
        return
    for node in ast.walk(code):
        for keyword in node.keywords if isinstance(node, ast.Call) else []:
            if keyword.arg in ("license", "classifiers"):
                try:
                    value = ast.literal_eval(keyword.value)
                except _NO_CODE:
                    continue
                yield keyword.arg, value if isinstance(value, list) else [value]


def _spdx(text: str) -> str | None:
    if text in _NAMES:
        return _NAMES[text]
    known = {*_NAMES.values(), *(name for name, _ in _TEXTS)}
    parts = re.split(r" (?:AND|OR|WITH) ", text)
    compound = len(parts) > 1 and _EXPRESSION.fullmatch(text)
    return text if text in known or compound else None


def _recognised(text: str) -> str | None:
    tag = _TAG.search(text)
    if tag:
        return tag[1].strip()
    words = " ".join(re.sub(r"[,\s]+", " ", text.lower()).split())
    for spdx, phrase in _TEXTS:
        if re.sub(r"[,\s]+", " ", phrase) in words:
            return spdx
    return None
