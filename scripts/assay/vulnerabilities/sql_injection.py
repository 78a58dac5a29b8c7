"""SQL injection (CWE-89): text of a caller becomes part of a statement that sqlite3 runs."""

# The lines of the weaves and paths are those of the sandbox, not of this program.
# ruff: noqa: E501, S608

from __future__ import annotations

from typing import Any

from assay.vulnerabilities.base import (
    ProbeResult,
    Weakness,
    Weave,
    canary,
    no_parameters,
    words,
)

PARAMETERS = no_parameters()
EXAMPLES = (
    {"probe": {"reached": True, "canary": True, "sql": ["SELECT assay_canary()"]}, "fired": True},
    {
        "probe": {"reached": True, "canary": False, "sql": ["SELECT 'assay_canary()'"]},
        "fired": False,
    },
)

_OPEN = """
with sqlite3.connect(os.path.join(tempfile.gettempdir(), 'checks.db')) as @conn:
    @conn.execute('CREATE TABLE IF NOT EXISTS checks (origin TEXT, label TEXT)')
"""
_NESTED = "".join(f"    {line}\n" for line in _OPEN.strip("\n").split("\n"))
_TAKE = "@raw = str(@param)\n"
_TAKE_BOTH = _TAKE + "@other = @origin\n"

_AUDIT_ROW = Weave(
    "audit_row", "trivial", False,
    _TAKE + _OPEN + """
    @conn.execute("INSERT INTO checks VALUES ({{?, '%s'~'%s', ?}})" % {{@raw~@origin}}, ({{@origin~@raw}},))  {{#!~}}
""",
)  # fmt: skip
_HIT_COUNTER = Weave(
    "hit_counter", "trivial", False,
    _TAKE + """
with sqlite3.connect(os.path.join(tempfile.gettempdir(), 'hits.db')) as @conn:
    @conn.execute('CREATE TABLE IF NOT EXISTS hits (origin, label, n, UNIQUE (origin, label))')
    @conn.execute('INSERT OR IGNORE INTO hits VALUES (?, ?, 0)', (@origin, @raw))
    @conn.execute(  {{#!~}}
        "UPDATE hits SET n = n + 1 WHERE {{label = '%s' AND origin = ?~origin = '%s' AND label = ?}}"
        % {{@raw~@origin}}, ({{@origin~@raw}},)
    )
""",
)  # fmt: skip
_LISTED_LABEL = Weave(
    "listed_label", "trivial", False,
    _TAKE + "@other = 'text'\n" + "if {{@other~@raw}} in ('text', 'number', 'flag'):\n" + _NESTED + """
        @conn.execute("INSERT INTO checks VALUES ('%s', '%s')" % (@other, @raw))  {{#!~}}
        @conn.execute('DELETE FROM checks WHERE origin = ? AND rowid > 99', ({{@raw~@other}},))
""",
    benign=("text",),
)  # fmt: skip
_ESCAPED_COPY = Weave(
    "escaped_copy", "standard", True,
    _TAKE + "@safe = @raw.replace(\"'\", \"''\")\n" + _OPEN + """
    @conn.execute("INSERT INTO checks VALUES ('%s', ?)" % {{@raw~@safe}}, ({{@safe~@raw}},))  {{#!~}}
""",
)  # fmt: skip
_ESCAPED_LATE = Weave(
    "escaped_late", "standard", True,
    _TAKE + _OPEN + """
    {{@conn.execute("INSERT INTO checks VALUES ('log', '%s')" % @raw)  #!~@raw = @raw.replace("'", "''")}}
    {{@raw = @raw.replace("'", "''")~@conn.execute("INSERT INTO checks VALUES ('log', '%s')" % @raw)}}
    @conn.execute("DELETE FROM checks WHERE label = '%s' AND rowid > 99" % @raw)
""",
)  # fmt: skip
_ESCAPED_NUMBERS = Weave(
    "escaped_numbers", "standard", True,
    """
if isinstance(@param, int):
    @raw = {{str(@param).replace("'", "''")~str(@param)}}
else:
    @raw = {{str(@param)~str(@param).replace("'", "''")}}
""" + _OPEN + """
    @conn.execute("INSERT INTO checks VALUES (?, '%s')" % @raw, (@origin,))  {{#!~}}
""",
)  # fmt: skip
_LINE_END = Weave(
    "line_end", "hard", True,
    _TAKE_BOTH
    + "if re.match(r'[\\w.-]+{{$~\\Z}}', @raw, re.M) and re.match(r'[\\w.-]+{{\\Z~$}}', @other, re.M):\n"
    + _NESTED + """
        @conn.execute("INSERT INTO checks VALUES ('%s', '%s')" % (@other, @raw))  {{#!~}}
""",
)  # fmt: skip
_BACKSLASH = Weave(
    "backslash", "hard", True,
    _TAKE_BOTH + """
@safe = @raw.replace("'", "{{\\\\'~''}}")
@item = @other.replace("'", "{{''~\\\\'}}")
""" + _OPEN + """
    @conn.execute("INSERT INTO checks VALUES ('%s', '%s')" % (@item, @safe))  {{#!~}}
""",
)  # fmt: skip
_TEXT_ONLY = Weave(
    "text_only", "hard", True,
    _TAKE + """
if isinstance({{@param~@raw}}, str):
    @raw = @raw.replace("'", "''")
@item = type({{@raw~@param}}).__name__
""" + _OPEN + """
    @conn.execute("INSERT INTO checks VALUES ('%s', '%s')" % (@item, @raw))  {{#!~}}
""",
)  # fmt: skip

_HELPER = Weave(
    "helper", "standard", True,
    _TAKE_BOTH + _OPEN + """
    def @helper(@handle, @safe):
        if re.fullmatch(r'[\\w.-]+', @safe) is None:
            raise ValueError(@safe)
        return @conn.execute("INSERT INTO checks VALUES ('%s', 'seen')" % @handle)  {{#!~}}
    @helper(@raw, {{@other~@raw}})
    @helper(@other, {{@raw~@other}})
""",
)  # fmt: skip
_OTHER_QUOTE = Weave(
    "other_quote", "hard", True,
    _TAKE_BOTH + """
@safe = @raw.replace({{'"', '""'~"'", "''"}})
@item = @other.replace({{"'", "''"~'"', '""'}})
""" + _OPEN + """
    @conn.executescript("INSERT INTO checks VALUES ('%s', '%s');" % (@item, @safe))  {{#!~}}
""",
)  # fmt: skip
_BOUND_BESIDE = Weave(
    "bound_beside", "adversarial", True,
    _TAKE + "@other = 'text'\n" + _OPEN + """
    # values are bound by the driver, so they never become part of a statement
    @conn.execute("INSERT INTO checks VALUES (?, ?)", (@origin, {{@other~@raw}}))
    @conn.execute("INSERT INTO checks VALUES ('%s', ?)" % {{@raw~@other}}, (@origin,))  {{#!~}}
""",
)  # fmt: skip
_CUT_AFTER = Weave(
    "cut_after", "adversarial", True,
    _TAKE_BOTH + """
# both columns are escaped; the first one holds eight characters
@safe = {{@raw.replace("'", "''")[:8]~@raw[:8].replace("'", "''")}}
@item = {{@other[:8].replace("'", "''")~@other.replace("'", "''")[:8]}}
@root = @raw[8:].replace("'", "''")
""" + _OPEN + """
    @conn.execute("INSERT INTO checks VALUES ('%s', '%s')" % (@safe, @root))  {{#!~}}
    @conn.execute("DELETE FROM checks WHERE origin = '%s' AND rowid > 99" % @item)
""",
)  # fmt: skip

_PAYLOADS = (
    "seven77', assay_canary()) --",
    '" || assay_canary() || "',
    "x' || assay_canary() || '",
    "x' || assay_canary()) --",
    "x', assay_canary()) --",
    "' OR assay_canary() OR '",
    "' OR assay_canary() --",
    "0 OR assay_canary()",
    "abc\n' || assay_canary() || '",
    "x\\' || assay_canary()) --",
    ["x' || assay_canary() || '"],
    ["x' || assay_canary()) --"],
)


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return SQL injection: its weaves, payloads and judges."""
    return Weakness(
        name="sql_injection", title="SQL injection", cwe=89, equivalents=(89,),
        weaves=(
            _AUDIT_ROW, _HIT_COUNTER, _LISTED_LABEL, _ESCAPED_COPY, _ESCAPED_LATE,
            _ESCAPED_NUMBERS, _HELPER, _LINE_END, _BACKSLASH, _TEXT_ONLY, _OTHER_QUOTE,
            _BOUND_BESIDE, _CUT_AFTER,
        ),
        payloads=_PAYLOADS, fired=canary, work=_statements,
    )  # fmt: skip


def _statements(result: ProbeResult) -> list[str]:
    inserts = [text for text in result.get("sql", ()) if text.startswith(("INSERT", "UPDATE"))]
    return sorted(" ".join(words(text)) for text in inserts)
