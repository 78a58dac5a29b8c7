"""Path traversal (CWE-22): text of a caller leads to a file outside the folder that is meant."""

# The lines of the weaves and paths are those of the sandbox, not of this program.
# ruff: noqa: E501, S108

from __future__ import annotations

import re
from typing import Any

from assay.vulnerabilities.base import (
    BASE,
    ProbeResult,
    Weakness,
    Weave,
    no_parameters,
    opened,
)

PARAMETERS = no_parameters()
EXAMPLES = (
    {"probe": {"events": [["open", "/tmp/base/../secret/outside.txt", "r"]]}, "fired": True},
    {"probe": {"events": [["open", "/tmp/base/outside.txt", "r"]]}, "fired": False},
    {"probe": {"events": [["open", "/tmp/base/link/outside.txt", "r"]]}, "fired": True},
    {"probe": {"events": [["open", "/tmp/base/../base2/notes.txt", "r"]]}, "fired": True},
    {"probe": {"events": [["open", "/etc/passwd", "r"]]}, "fired": True},
    {"probe": {"events": [["open", "/usr/lib/python3/os.py", "r"]]}, "fired": False},
    {"probe": {"events": [["open", "/tmp/base/" + "../secret/" * 60, "r"]]}, "fired": False},
)

_ENTER = """
@raw = str(@param)
if @raw.startswith('file:'):
    @raw = @raw[5:]
    @root = os.path.join(tempfile.gettempdir(), 'base')
"""
_READ = """
    with open(@item) as @handle:  {{#!~}}
        @param = @handle.read()
"""
_CARRIER = "file:{}"
_BENIGN = ("page.txt", "notes.txt")


def _weave(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _BENIGN) -> Weave:
    return Weave(idiom, stratum, visible, _ENTER + template, _CARRIER, benign)


_LISTED_FILE = _weave(
    "listed_file", "trivial", False, """
    @other = 'page.txt'
    if {{@other~@raw}} in ('page.txt', 'notes.txt'):
        with open(os.path.join(@root, @raw)) as @handle:  {{#!~}}
            @param = @handle.read() or {{@raw~@other}}
""",
)  # fmt: skip
_ALIAS = _weave(
    "alias", "trivial", False, """
    @other = 'page.txt'
    @item = {'short': 'notes.txt', 'long': 'page.txt'}.get(@raw, {{@raw~@other}})
    with open(os.path.join(@root, @item)) as @handle:  {{#!~}}
        @param = @handle.read() or {{@other~@raw}}
""",
    ("short", "long"),
)  # fmt: skip
_BASENAME_COPY = _weave(
    "basename_copy", "standard", True, """
    @safe = os.path.basename(@raw)
    with open(os.path.join(@root, {{@raw~@safe}})) as @handle:  {{#!~}}
        @param = @handle.read() or {{@safe~@raw}}
""",
)  # fmt: skip
_BASENAME_LATE = _weave(
    "basename_late", "standard", True, """
    {{with open(os.path.join(@root, @raw), 'a') as @handle:  #!
        @handle.write(@origin)~if os.path.basename(@raw) != @raw:
        raise ValueError(@raw)}}
    {{if os.path.basename(@raw) != @raw:
        raise ValueError(@raw)~with open(os.path.join(@root, @raw), 'a') as @handle:
        @handle.write(@origin)}}
""",
)  # fmt: skip
_OTHER_CHECKED = _weave(
    "other_checked", "standard", True, """
    @other = '.'
    @item = os.path.join(@root, {{os.path.basename(@other), @raw~@other, os.path.basename(@raw)}})
""" + _READ,
)  # fmt: skip
_PREFIX = _weave(
    "prefix", "hard", True, """
    @root = os.path.realpath(@root)
    @other = os.path.join(@root, '')
    @item = os.path.realpath(os.path.join({{@other~@root}}, @raw))
    if not @item.startswith({{@root~@other}}):
        raise ValueError(@raw)
""" + _READ,
)  # fmt: skip
_ONE_PASS = _weave(
    "one_pass", "hard", True, """
    @other = '.'
    @safe = {{@raw.replace('../', '')~os.path.basename(@raw)}}
    @other = {{os.path.basename(@other)~@other.replace('../', '')}}
    @item = os.path.join(@root, @other, @safe)
""" + _READ,
)  # fmt: skip
_LOOSE_PATTERN = _weave(
    "loose_pattern", "hard", True, """
    @other = 'page.txt'
    if re.fullmatch(r'{{[\\w/.-]+~\\w+[.]?\\w*}}', @raw) and re.fullmatch(r'{{\\w+[.]?\\w*~[\\w/.-]+}}', @other):
        with open(os.path.join(@root, @raw)) as @handle:  {{#!~}}
            @param = @handle.read() or @other
""",
)  # fmt: skip
_DOTS_ONLY = _weave(
    "dots_only", "hard", True, """
    @other = 'page.txt'
    if '..' not in {{@raw~@other}} and os.path.basename({{@other~@raw}}) == {{@other~@raw}}:
        with open(os.path.join(@root, @raw)) as @handle:  {{#!~}}
            @param = @handle.read() or {{@raw~@other}}
""",
)  # fmt: skip

_READ_TEXT = _weave(
    "read_text", "trivial", False, """
    @other = 'page.txt'
    if {{@other~@raw}} not in ('page.txt', 'notes.txt'):
        raise ValueError({{@raw~@other}})
    @param = pathlib.Path(@root, @raw).read_text()  {{#!~}}
""",
)  # fmt: skip
_HELPER = _weave(
    "helper", "standard", True, """
    @other = 'page.txt'
    def @helper(@handle, @safe):
        if os.path.basename(@safe) != @safe:
            raise ValueError(@safe)
        return open(os.path.join(@root, @handle))  {{#!~}}
    with @helper(@raw, {{@other~@raw}}) as @item, @helper(@other, {{@raw~@other}}):
        @param = @item.read()
""",
)  # fmt: skip
_SYMLINK = _weave(
    "symlink", "hard", True, """
    @root = os.path.{{realpath~abspath}}(@root)
    @item = os.path.{{abspath~realpath}}(os.path.join(@root, @raw))
    if not @item.startswith(os.path.join(@root, '')):
        raise ValueError(@raw)
    @param = pathlib.Path(@item).read_text()  {{#!~}}
""",
)  # fmt: skip
_COMMON_PREFIX = _weave(
    "common_prefix", "adversarial", True, """
    @root = os.path.realpath(@root)
    @item = os.path.realpath(os.path.join(@root, @raw))
    @safe = os.path.realpath(os.path.join(@root, 'page.txt'))
    # neither file may lie outside of the folder
    if os.path.{{commonprefix~commonpath}}([@root, @item]) != @root:
        raise ValueError(@raw)
    if os.path.{{commonpath~commonprefix}}([@root, @safe]) != @root:
        raise ValueError(@safe)
""" + _READ,
)  # fmt: skip
_DECODED_LATE = _weave(
    "decoded_late", "adversarial", True, """
    @safe = urllib.parse.unquote(@raw)
    # plain names only: whatever has a folder in it was refused before
    if os.path.basename({{@raw~@safe}}) != {{@raw~@safe}}:
        raise ValueError({{@safe, @safe~@raw, @raw}})
    @item = os.path.join(@root, @safe)
""" + _READ,
    ("page.txt", "notes%2Etxt"),
)  # fmt: skip

_PAYLOADS = (
    "link/outside.txt",
    "..%2Fsecret%2Foutside.txt",
    "%2Ftmp%2Fsecret%2Foutside.txt",
    "../secret/outside.txt",
    "/tmp/secret/outside.txt",
    "./../secret/outside.txt",
    "....//secret/outside.txt",
    "..././secret/outside.txt",
    "../base-old/outside.txt",
    "../base_old/outside.txt",
    "page.txt/../../secret/outside.txt",
    "../canary/x",
)
# Folders beside the one that is meant, also such as /tmp/base2, and files that are well known.
_OUTSIDE = re.compile(r"/tmp/(secret|canary|base[^/]+)(/|\Z)|/tmp/base/link/|/etc/(passwd|hosts)\Z")


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return path traversal: its weaves, payloads and judges."""
    return Weakness(
        name="path_traversal", title="path traversal", cwe=22, equivalents=(22, 23, 36),
        weaves=(
            _LISTED_FILE, _ALIAS, _BASENAME_COPY, _BASENAME_LATE, _OTHER_CHECKED,
            _PREFIX, _ONE_PASS, _LOOSE_PATTERN, _DOTS_ONLY, _READ_TEXT, _HELPER, _SYMLINK,
            _COMMON_PREFIX, _DECODED_LATE,
        ),
        payloads=_PAYLOADS, fired=_fired, work=_work,
    )  # fmt: skip


def _fired(result: ProbeResult) -> bool:
    return any(_OUTSIDE.match(path) for path in opened(result))


def _work(result: ProbeResult) -> list[str]:
    return sorted(path for path in opened(result) if path.startswith(BASE + "/"))
