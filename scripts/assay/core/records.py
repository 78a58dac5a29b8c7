"""The tables that steps hand to each other: columns, types, primary keys.

Nested values that vary by category travel as canonical JSON text in columns named `*_json`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TEXT, WHOLE, FLAG = pa.string(), pa.int64(), pa.bool_()
TEXTS, WHOLES = pa.list_(pa.string()), pa.list_(pa.int64())


@dataclass(frozen=True)
class Table:
    """A table's name, Arrow schema and primary key (the columns of its total order)."""

    name: str
    schema: pa.Schema
    primary_key: tuple[str, ...]


def _table(name: str, key: tuple[str, ...], /, **columns: pa.DataType) -> Table:
    return Table(name, pa.schema([pa.field(column, kind) for column, kind in columns.items()]), key)


UNITS = _table(
    "units", ("target", "unit_id"),
    target=TEXT,
    unit_id=TEXT,  # "cerberus/utils.py::quote_string"; "#2" is added to a repeated name
    kind=TEXT,  # function | method | class | file (one row for every scanned file)
    path=TEXT,  # relative to the root of the tree
    module=TEXT,  # dotted name under which the target imports the file
    qualname=TEXT,  # "BareValidator._validate_min"; empty for a file
    parent=TEXT,  # qualname of the enclosing class or function, or empty
    is_async=FLAG,
    decorators=TEXTS,  # source text of each, with "@"
    signature=TEXT,  # from "def"/"class" to the colon, as written
    parameters=TEXTS,  # names in order, with "*" or "**" in front where so declared
    returns=TEXT,  # annotation as written, or empty
    docstring=TEXT,  # literal as evaluated, or null
    body=TEXT,  # whole lines after the docstring, as written
    source=TEXT,  # whole lines from the first decorator to the end of the body
    file_imports=TEXTS,  # import statements of the file's head, as written
    start_line=WHOLE,  # first decorator or def; 1-based, inclusive
    def_line=WHOLE,
    body_start_line=WHOLE,  # first line of the body after the docstring
    end_line=WHOLE,
    start_byte=WHOLE,  # span of def…end without decorators, UTF-8 bytes
    end_byte=WHOLE,
    lines=WHOLE,  # end_line - def_line + 1
    statements=WHOLE,
    complexity=WHOLE,  # McCabe's cyclomatic complexity
    nesting=WHOLE,  # deepest nesting of compound statements
    calls=TEXTS,  # sorted names that the body calls ("self._error", "len"), in NFKC
    problem=TEXT,  # null, or why the file could not be read ("not UTF-8 at byte 12")
)  # fmt: skip

BEHAVIOUR = _table(
    "behaviour", ("target", "test_id"),
    target=TEXT,
    test_id=TEXT,  # pytest node id, relative to the tree
    outcome=TEXT,  # passed | failed | error | skipped
    steady=FLAG,  # same outcome in every repeated and shuffled run
    reason=TEXT,  # null, or why the test is quarantined: no key holds it
    units=TEXTS,  # sorted unit_ids whose body the test executes
)  # fmt: skip

SCENARIOS = _table(
    "scenarios", ("target", "scenario_id"),
    target=TEXT,
    scenario_id=TEXT,
    entry=TEXT,  # "cerberus:Validator" or "cerberus.utils:quote_string"
    origin=TEXT,  # test that it was recorded in
    mutator=TEXT,  # "recorded" or the name of the edge mutator
    scenario_json=TEXT,  # core.execution.Scenario.data
    observation_json=TEXT,  # what the reference did, core.execution.Observation
    units=TEXTS,  # sorted unit_ids whose body it executes
    executed=TEXTS,  # which lines of each of them, as offsets from its first line: "1-4,7"
)  # fmt: skip

TASKS = _table(
    "tasks", ("target", "task_id"),
    target=TEXT,
    task_id=TEXT,
    category=TEXT,
    stratum=TEXT,  # trivial | standard | hard | adversarial
    path=TEXT,
    qualname=TEXT,
    prompt=TEXT,  # the user message, whole
    prompt_sha256=TEXT,
    max_tokens=WHOLE,  # budget of the answer
)  # fmt: skip

KEYS = _table(
    "keys", ("target", "task_id"),
    target=TEXT,
    task_id=TEXT,
    category=TEXT,
    stratum=TEXT,
    unit_id=TEXT,
    kind=TEXT,  # original | counterfactual; bug | control; vulnerable | clean
    is_control=FLAG,  # an empty answer of the right form would be right
    operator=TEXT,  # operator or weakness that made the variant, or empty
    accepted_lines=WHOLES,  # any of these counts as located
    reference_answer=TEXT,  # an ideal model's answer, in the prompt's own format
    oracle_killed=WHOLE,  # of the fixed sample of mutants, how many the oracle kills
    oracle_sampled=WHOLE,
    key_json=TEXT,  # the category's own key (closed by its docstring)
    proof_json=TEXT,  # counts of each gate's runs
)  # fmt: skip

REJECTED = _table(
    "rejected", ("target", "candidate_id", "gate"),
    target=TEXT,
    candidate_id=TEXT,
    category=TEXT,
    unit_id=TEXT,
    operator=TEXT,
    gate=TEXT,  # name of the gate that dropped it
    reason=TEXT,
)  # fmt: skip

RESPONSES = _table(
    "responses", ("model", "target", "task_id"),
    model=TEXT,
    target=TEXT,
    task_id=TEXT,
    category=TEXT,
    prompt_sha256=TEXT,
    max_tokens=WHOLE,  # budget of the answer
    rendered_sha256=TEXT,  # of the prompt after the chat template
    response=TEXT,
    thinking=TEXT,  # null where the model has no such channel
    finish_reason=TEXT,  # stop | length | error
    prompt_tokens=WHOLE,
    completion_tokens=WHOLE,
    cached_tokens=WHOLE,
    void=TEXT,  # null, or why the row is no measurement
    fingerprint=TEXT,  # id of the engine's fingerprint
    deterministic=FLAG,  # the engine repeated itself in the probe; null: it is none that is probed
)  # fmt: skip

TELEMETRY = _table(
    "telemetry", ("model", "target", "task_id"),
    model=TEXT,
    target=TEXT,
    task_id=TEXT,
    latency_us=WHOLE,
    ttft_us=WHOLE,  # time to first token; null where there was none
    prompt_us=WHOLE,  # the engine's own figures
    decode_us=WHOLE,
    from_cache=FLAG,  # answered in an earlier run, and timed there
)  # fmt: skip

VERDICTS = _table(
    "verdicts", ("model", "target", "task_id"),
    model=TEXT,
    target=TEXT,
    task_id=TEXT,
    category=TEXT,
    stratum=TEXT,
    kind=TEXT,
    is_control=FLAG,
    status=TEXT,  # passed | failed | unreadable | void
    outcome=TEXT,  # what the worker did: not_run | ran | crashed | cpu_timeout | …
    reason=TEXT,  # why the answer is worth that, in words
    extraction=TEXT,  # what was taken from the answer and by which rule
    checks_json=TEXT,  # named booleans, such as located and repaired
    description_json=TEXT,  # follows the format, parses, annotated, imports, length
    layers=TEXT,  # of the sandbox: those that had to work for the answer to be run
    finish_reason=TEXT,
    fingerprint=TEXT,
)  # fmt: skip

API_INDEX = _table(
    "api_index", ("target", "scope", "name"),
    target=TEXT,
    scope=TEXT,  # "json.decoder", "json.decoder:JSONDecoder", or "cerberus#stored" (see kind)
    name=TEXT,  # what stands in the scope; empty in the row of the scope itself
    kind=TEXT,  # module | class | function | attribute; stored: set by code on some object
    origin=TEXT,  # target | requirement | standard_library; named: imported somewhere, not there
    ref=TEXT,  # scope that a module or class is; of a class's own row: its metaclass
    keywords=TEXTS,  # what a call may pass by name, "**" for anything; null if nothing says so
    bases=TEXTS,  # of a class's own row: scopes of what it inherits from, in order
    open=FLAG,  # of a scope's own row: it may hold more names than are known
    factory=FLAG,  # of a class's own row: calling it may give something else
)  # fmt: skip

HALLUCINATIONS = _table(
    "hallucinations", ("model", "target", "task_id", "number"),
    model=TEXT,
    target=TEXT,
    task_id=TEXT,
    number=WHOLE,  # counts an answer's inventions from 1; 0: the one row of an answer without any
    category=TEXT,
    kind=TEXT,  # package | module | attribute | keyword | member; empty where number is 0
    name=TEXT,  # as the answer writes it
    line=WHOLE,  # of the answer; 0 if the line can't be found there
    nearest=TEXT,  # real name that is most like it, or empty
)  # fmt: skip
