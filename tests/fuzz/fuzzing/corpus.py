"""What fuzzing starts from: awkward and hostile answers of the other rooms, frames, encodings."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

from assay.core.codec import encode
from fuzzing import answers, frames

TESTS = Path(__file__).parents[2]
TABLES = ("test_awkward_answers.py", "test_extraction.py", "test_witness.py", "test_exploit.py")
TOKENS = (
    "```", "```python\n", "````", "~~~", "> ", "- ", "\n", "\r\n", "\t", "    ", "\ufeff", "\u00a0",
    "\u200b", "\u201c", "\u2019", "\u2013", "\x0c", "<think>", "</think>\n", "<reasoning>",
    "</thought>", "LINES: ", "Line 3", "lines = [", "none", "NONE", "3-9", "3 to 9", "CWE-89",
    "CWE-89 LINE 12", "no vulnerabilities found", "WITNESS: ", "EXPLOIT: ", "exploit payload: ",
    "f(", "C(1).f(2)", "x = ", "frozenset(", '{"code": "', '"lines": [', '"findings": [{"cwe": 89',
    '"line": 1', '"witness": ', '"exploit": ', "True", "None", "null", "//", "/*", "*/", "# ",
    '"""', "'''", "\\\n", "\\", "def f(x):\n", "async def f(", "class A:\n", "@d\n", "lambda: ",
    "return ", "raise ", "yield ", "pass\n", "import os\n", "from a import *\n", "if x:\n",
    "try:\n", "except ImportError:\n", "with a as b:\n", "match x:\n case ", "f'{x!r:>{y}}'", "; ",
    "1 | ", ":=", "**", "0x", "1e999", "->", "global f\n", "hasattr(", ".append(", "os.getcwd(y=1)",
    '{"end": 0}', '"key": ', '"test": "t"', '"outcome": "passed"', '"outcome": "ran"',
    '"scenario": "s"', '"payload": ', '"observation": ', '"modules": {', '"traced": ',
    '"reached": ', '"raised_at": ', '"recorded": ', '"collect": ', '"probe": "exploit"',
    '"events": [["open", "',
    '"canary": true', '"sql": [', '"cpu_us": ', '["int", "1"]', '["dict", [', '["new", ["p:C", ',
    '["set", [', '["Decimal", "1E+9"]', '["float", "nan"]', '["name", "p:C"]', "\\ud800", "-0",
)  # fmt: skip


def seeds(target: str) -> list[bytes]:
    """Return the inputs that a target starts from, in a fixed order."""
    return sorted(set({"answers": _answers, "codec": _codec, "frames": _frames}[target]()))


def dictionary() -> str:
    """Return the tokens in the form that libFuzzer reads."""
    escaped = ("".join(f"\\x{byte:02x}" for byte in token.encode()) for token in TOKENS)
    return "".join(f'"{token}"\n' for token in escaped)


def texts() -> list[str]:
    """Return whole answers: those of the tables, and those that attack."""
    found: set[str] = set()
    for name in TABLES:
        found |= set(_texts_of(TESTS / "scoring" / name))
    for path in sorted((TESTS / "attacks/cases").glob("*.txt")):
        found.add(path.read_text(encoding="utf-8", errors="surrogateescape").partition("---\n")[2])
    return sorted(found)


def _texts_of(path: Path) -> Iterator[str]:
    """Yield the texts in the tables (constants that are dicts or lists) of a module of tests."""
    spec = importlib.util.spec_from_file_location(f"table_of_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in sorted(vars(module).items()):
        if name.isupper():
            yield from _strings(value)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str) and 8 <= len(value) <= 4000:
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _strings(list(pair))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _answers() -> Iterator[bytes]:
    for text in texts():
        for form in range(len(answers.ORDER)):
            yield bytes([form]) + text.encode("utf-8", "surrogatepass")


def _codec() -> Iterator[bytes]:
    values = [None, True, 1, -(10**40), 1.5, "a", b"\0", [1, (2,)], {1: {"a": {2, 3}}}, int, -0.0]
    for value in values:
        yield b"\0" + json.dumps(encode(value)).encode()
    tags = ("int", "float", "bytes", "list", "set", "dict", "type", "Decimal", "UUID", "date",
            "datetime", "time", "timedelta", "name", "new", "complex")  # fmt: skip
    for tag in tags:
        for body in ("1", "2020-01-01", "1 2 3", [], [["int", "1"]], 1.5, None, {"a": "b"}):
            yield b"\0" + json.dumps([tag, body]).encode()
    made = ["list", [["new", ["p:C", encode([1]), encode({})]]]]
    data = {"entry": "p:f", "init": None, "observe": [], "calls": [["", made, encode({})]]}
    yield b"\0" + json.dumps({"data": data, "origin": "t"}).encode()
    yield from (b"\1" + bytes(range(start, start + 60, 3)) for start in range(0, 160, 5))


def _frames() -> Iterator[bytes]:
    summary = {"outcome": "ran", "detail": "", "cpu_us": 5, "tail": ""}
    use = {"data": frames.SCENARIO, "origin": "t"}
    tests = frames.records(
        {"key": "k"}, {"test": "t", "outcome": "passed"}, {"modules": {"p": "p.py"}},
        {"traced": "t", "reached": [["p.py", 1]]}, {"recorded": use},
        {"collect": "t", "text": "no"}, {"end": 0}, key="k",
    )  # fmt: skip
    payload = json.dumps({"observation": frames.SEEN, "reached": [["frames.py", 1]],
                          "raised_at": [["frames.py", 3], None]})  # fmt: skip
    probe = {"reached": True, "canary": True, "sql": ["x"], "returned": ["str", "a"],
             "events": [["open", "/etc/passwd"], ["socket.connect", "evil.example"]]}  # fmt: skip
    runs = frames.records(
        {"scenario": "s", "outcome": "ran", "detail": "", "payload": payload},
        {"probe": "exploit", "outcome": "ran", "detail": "", "payload": json.dumps(probe)},
        {"modules": {"p": "p.py"}}, {"end": 1},
    )  # fmt: skip
    for jobs in range(len(frames.JOBS)):
        lines = [frames.line(1, tests, 0, 0), frames.line(1, runs, 1, 0), frames.line(2, summary),
                 frames.line(1, tests, 0, 1), frames.line(2, summary, 0, 1)]  # fmt: skip
        body = b"\n".join(lines)
        yield bytes([jobs, 0]) + body
        yield bytes([jobs, 128]) + frames.spelled(body)
        for change in ("cpu_us", "outcome"):
            broken = {**summary, change: None}
            yield bytes([jobs, 0]) + b"\n".join([*lines[:2], frames.line(2, broken)])
