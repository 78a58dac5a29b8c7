"""A made-up run: tables in the real schemas by the real writers, and the programs over them.

The rows are fakes; nothing here was answered by a model.
"""

import argparse
import importlib.util
import json
from pathlib import Path

import pytest

from assay.core.files import canonical_json, read_json, sha256_text, write_json
from assay.core.records import (
    HALLUCINATIONS,
    KEYS,
    REJECTED,
    RESPONSES,
    TASKS,
    TELEMETRY,
    VERDICTS,
)
from assay.core.tables import write_table

TABLES = (TASKS, KEYS, REJECTED, RESPONSES, VERDICTS, HALLUCINATIONS, TELEMETRY)
CATEGORIES = ("code_generation", "code_understanding", "security_audit")
STRATA = ("trivial", "standard", "hard")
SETTINGS = {
    "run": "pilot",
    "tasks": {"categories": list(CATEGORIES), "per_category": 20,
              "strata": {"trivial": 30, "standard": 45, "hard": 25}},
}  # fmt: skip
KINDS = {
    "code_generation": ("original", "counterfactual"),
    "code_understanding": ("bug", "control"),
    "security_audit": ("vulnerable", "clean"),
}
OPERATORS = {"bug": ("comparisons", "slices", "negation"), "vulnerable": ("sql_injection",)}
GATES = ("right_answer", "null_answers", "strong_oracle", "no_leak", "not_drawn")


class Run:
    """Rows of all tables; tests change them before they are written."""

    def __init__(self):
        self.rows = {table.name: [] for table in TABLES}
        self.fingerprints = {}

    def target(self, name, per_category=20):
        for category in CATEGORIES:
            for number in range(per_category):
                self._task(name, category, number)
            for number in range(3 * per_category):
                gate = GATES[number % 7 % len(GATES)]
                self._rejected(name, category, number, gate)
        return self

    def _task(self, target, category, number):
        kind = KINDS[category][number % 2 if number < 8 else 0]
        control = kind in {"control", "clean"}
        known = OPERATORS.get(kind, ("",))
        operator = known[number % len(known)]
        initials = "".join(word[0] for word in category.split("_"))
        same = {"target": target, "task_id": f"{initials}-{number:03}", "category": category,
                "stratum": STRATA[number % 3]}  # fmt: skip
        prompt = f"Prompt {number} of {category}."
        self.rows["tasks"].append({
            **same, "path": f"pkg/file{number % 5}.py", "qualname": f"Class.unit_{number}",
            "prompt": prompt, "prompt_sha256": sha256_text(prompt), "max_tokens": 512,
        })  # fmt: skip
        self.rows["keys"].append({
            **same, "unit_id": f"pkg/file{number % 5}.py::Class.unit_{number}", "kind": kind,
            "is_control": control, "operator": operator, "accepted_lines": [number],
            "reference_answer": "pass", "oracle_killed": 10, "oracle_sampled": 12,
            "key_json": "{}", "proof_json": "{}",
        })  # fmt: skip

    def _rejected(self, target, category, number, gate):
        known = OPERATORS.get(KINDS[category][0], ("",))
        self.rows["rejected"].append({
            "target": target, "candidate_id": f"{category}:{number}", "category": category,
            "unit_id": f"pkg/file{number % 5}.py::f{number}",
            "operator": known[number % len(known)], "gate": gate, "reason": "made up",
        })  # fmt: skip

    def model(self, name, share, engine="llamacpp", void=0):
        """Add a model that passes `share` percent; its first `void` answers are void."""
        fingerprint = {"engine": engine, "args": ["--parallel", "1"]}
        identity = sha256_text(canonical_json(fingerprint))[:16]
        self.fingerprints[name] = {"id": identity, "model": name, "fingerprint": fingerprint,
                                   "measured": _measured(engine)}  # fmt: skip
        keys = {(row["target"], row["task_id"]): row for row in self.rows["keys"]}
        for number, task in enumerate(self.rows["tasks"]):
            same = {"model": name, "target": task["target"], "task_id": task["task_id"],
                    "category": task["category"]}  # fmt: skip
            bad = "harness failed" if number < void else None
            self._answer(same, task, bad, identity, real=engine == "llamacpp")
            passed = int(sha256_text(f"{name}{task['task_id']}"), 16) % 100 < share
            self._verdict(same, keys[task["target"], task["task_id"]], passed, bad, identity)
        return self

    def _answer(self, same, task, bad, identity, *, real):
        number = int(task["task_id"][-3:])
        self.rows["responses"].append({
            **same, "prompt_sha256": task["prompt_sha256"], "rendered_sha256": "0" * 64,
            "max_tokens": task["max_tokens"], "deterministic": True if real else None,
            "response": f"Answer {number}", "thinking": None,
            "finish_reason": "length" if number % 9 == 0 else "stop", "prompt_tokens": 400,
            "completion_tokens": 100 + number if real else 0, "cached_tokens": 0, "void": bad,
            "fingerprint": identity,
        })  # fmt: skip
        self.rows["telemetry"].append({
            **{column: same[column] for column in ("model", "target", "task_id")},
            "latency_us": (2_000_000 + 37_000 * number) if real else 0, "ttft_us": 90_000,
            "prompt_us": 80_000, "decode_us": 1_500_000 if real else 0, "from_cache": False,
        })  # fmt: skip

    def _verdict(self, same, key, passed, bad, identity):
        number = int(key["task_id"][-3:])
        failed = "unreadable" if number % 7 == 0 else "failed"
        status = "void" if bad else "passed" if passed else failed
        facts = {"follows_format": status != "unreadable", "parses": passed, "annotated": None,
                 "imports": [], "length": 40 + number}  # fmt: skip
        self.rows["verdicts"].append({
            **same, "stratum": key["stratum"], "kind": key["kind"],
            "is_control": key["is_control"], "status": status,
            "outcome": "ran" if status in {"passed", "failed"} else "not_run",
            "reason": bad or status, "extraction": "fenced block",
            "checks_json": json.dumps({"accused": passed, "detected": passed, "localised": passed}),
            "description_json": canonical_json(facts), "finish_reason": "stop",
            "layers": "namespaces network", "fingerprint": identity,
        })  # fmt: skip


def _measured(engine):
    """A probe as it should be, and a stream with an overhead of 1.5 %: made-up figures."""
    times = {"cold": 500_000, "warm": 480_000, "reordered": 510_000, "restarted": 490_000}
    return {} if engine != "llamacpp" else {
        "stream": {"answers": 50, "wall_us": 2_030_000, "engine_us": 2_000_000},
        "probe": {
            "deterministic": True, "compared": 9, "different": 0, "first_difference": None,
            "cached_tokens": 0, "faster": [], "duration_us": 4_200_000,
            "times": {"ttft_us": dict(times), "latency_us": dict(times)},
        },
    }  # fmt: skip


def _program(name):
    path = Path(__file__).parents[2] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Rendered:
    """The files that the two programs wrote."""

    def __init__(self, folder):
        self.folder = folder
        self.page = (folder / "report.html").read_text(encoding="utf-8")
        self.table = (folder / "table.txt").read_text(encoding="utf-8")
        self.summary = read_json(folder / "summary.json")
        self.database = folder / "assay.sqlite"


@pytest.fixture
def run():
    return Run()


@pytest.fixture
def usual(run):
    """One target of sixty tasks, two models, the reference solvers."""
    run.target("cerberus")
    run.model("small", 22, void=2).model("large", 61)
    run.model("oracle", 100, "oracle").model("always_clean", 25, "always_clean")
    return run


@pytest.fixture
def rendered(tmp_path):
    """Write a run's tables, run both programs over them, return what they wrote."""

    def render(run, name="run", **settings):
        folder = tmp_path / name
        paths = {}
        for table in TABLES:
            paths[table.name] = [folder / f"{table.name}.parquet"]
            write_table(paths[table.name][0], table, run.rows[table.name])
        prints = []
        for model, record in run.fingerprints.items():
            prints.append(folder / "fingerprints" / model / "fingerprint.json")
            write_json(prints[-1], record)
        given = argparse.Namespace(
            settings={**SETTINGS, **settings}, summary=folder / "summary.json",
            database=folder / "assay.sqlite", report=folder / "report.html",
            table=folder / "table.txt", fingerprints=prints, memory=[], **paths,
        )  # fmt: skip
        _program("summarise_scores").main(given)
        _program("render_report").main(given)
        return Rendered(folder)

    return render
