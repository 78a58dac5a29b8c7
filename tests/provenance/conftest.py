"""A fake finished run: tables of made-up rows, no workflow behind them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from assay.core.files import canonical_json, sha256_text, write_json
from assay.core.records import HALLUCINATIONS, KEYS, REJECTED, RESPONSES, TASKS, UNITS, VERDICTS
from assay.core.tables import write_table
from assay.images.names import read_lock, receipt_of
from assay.provenance.manifest import manifest
from assay.provenance.publish import publish
from assay.reporting.database import write_database

ROOT = Path(__file__).parents[2]
MODELS, IDS = ("some-model", "oracle"), ("t1", "t2", "t3")
EMPTY = {"string": "", "int64": 0, "bool": False}


def fake(table, **columns):
    """A row of a table: empty values but for the columns given."""
    row = {field.name: EMPTY.get(str(field.type), []) for field in table.schema}
    return {**row, **columns}


def fingerprint(model, machine="this"):
    content = {"engine": "fake", "machine": machine, "model": model}
    identity = sha256_text(canonical_json(content))[:16]
    return {"id": identity, "model": model, "fingerprint": content, "measured": {"host": "secret"}}


def fake_run(root: Path, machine="this") -> Path:
    """Write the results of a fake run of one target and two models, and its manifest."""
    keys = [
        fake(KEYS, target="toy", task_id=i, key_json=canonical_json({"expected": [i, 1]}))
        for i in IDS
    ]
    tasks = [fake(TASKS, target="toy", task_id=i, category="c", prompt=f"do {i}") for i in IDS]
    tables = {
        "extract_units/toy/units.parquet": (UNITS, [fake(UNITS, target="toy", unit_id="u")]),
        "select_tasks/toy/tasks.parquet": (TASKS, tasks),
        "select_tasks/toy/keys.parquet": (KEYS, keys),
        "select_tasks/toy/rejected.parquet": (REJECTED, []),
    }
    for model in MODELS:
        mark = fingerprint(model, machine if model == "some-model" else "this")
        write_json(root / f"telemetry/run_model/{model}/fingerprint.json", mark)
        write_json(root / f"fetch_model/{model}/receipt.json", {"model": model, "weights": None})
        named = [{"model": model, "target": "toy", "task_id": i} for i in IDS]
        answers = [
            fake(RESPONSES, **row, response=f"answer to {row['task_id']}", fingerprint=mark["id"])
            for row in named
        ]
        judged = [fake(VERDICTS, **row, status="passed", checks_json="{}") for row in named]
        tables |= {
            f"run_model/{model}/responses.parquet": (RESPONSES, answers),
            f"score_answers/{model}/toy/verdicts.parquet": (VERDICTS, judged),
            f"check_names/{model}/toy/hallucinations.parquet": (HALLUCINATIONS, []),
        }
    for path, (table, rows) in tables.items():
        write_table(root / path, table, rows)
    write_database(root / "summarise_scores/assay.sqlite", [(TASKS, tasks), (KEYS, keys)])
    counts = {"passed": 3, "total": 3, "void": 0}
    target = {"tasks": {"total": 3, "by_category": {"c": 3}}, "rejected": {"total": 0}}
    summary = {
        "run": root.name, "models": dict.fromkeys(MODELS, counts), "targets": {"toy": target},
    }  # fmt: skip
    write_json(root / "summarise_scores/summary.json", summary)
    write_json(root / "fetch_source/toy/source.json", {"commit": "00"})
    (root / "fetch_source/toy/source.tar").write_bytes(b"the source")
    receipt = receipt_of(read_lock(ROOT, "tools"))
    write_json(root / f"build_image/{receipt['image']}.json", receipt)
    files = [p for p in root.rglob("*") if p.is_file() and "telemetry" not in p.parts]
    recorded = {
        "config": {"seed": 1}, "targets": {"toy": {}}, "models": {name: {} for name in MODELS},
    }  # fmt: skip
    made = manifest(root, files, {"recorded": recorded, "code": {"run_model": "1"}})
    write_json(root / "pack_manifest/manifest.json", made)
    return root


@pytest.fixture
def run(tmp_path):
    return fake_run(tmp_path / "results" / "fake")


@pytest.fixture
def published(run, tmp_path):
    """The fake run's publication, as a folder; its archive lies beside it."""
    return publish(run, ROOT, tmp_path / "out").folder


@pytest.fixture
def fakes(forgery):
    """What tests make fakes with."""
    return SimpleNamespace(run=fake_run, forge=forgery.forge, mend=forgery.mend)
