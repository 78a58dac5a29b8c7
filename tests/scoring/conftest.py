"""Rows of tasks, keys and responses about a weakness: CWE-89 at line 3 of `f`."""

import json

import pytest

from assay.core.files import sha256_text


def _audit_rows(answers):
    tasks, keys, responses = [], [], []
    for number, answer in enumerate(answers):
        same = {"target": "t", "task_id": f"task{number:03}", "category": "security_audit"}
        prompt = f"prompt {number}"
        digest = sha256_text(prompt)
        tasks.append({
            **same, "stratum": "standard", "path": "a.py", "qualname": "f", "prompt": prompt,
            "prompt_sha256": digest, "max_tokens": 64,
        })  # fmt: skip
        keys.append({
            **same, "stratum": "standard", "unit_id": "a.py::f", "kind": "vulnerable",
            "is_control": False, "operator": "sql_injection", "accepted_lines": [3],
            "reference_answer": "CWE-89 LINE 3", "oracle_killed": 0, "oracle_sampled": 0,
            "key_json": json.dumps({"cwe": 89, "equivalents": [89], "lines": [3]}),
            "proof_json": "{}",
        })  # fmt: skip
        responses.append({
            **same, "model": "m", "prompt_sha256": digest, "rendered_sha256": digest,
            "response": answer, "thinking": None, "finish_reason": "stop", "prompt_tokens": 10,
            "completion_tokens": 5, "cached_tokens": 0, "void": None, "fingerprint": "f1",
            "max_tokens": 64, "deterministic": True,
        })  # fmt: skip
    return tasks, keys, responses


@pytest.fixture
def audit_rows():
    return _audit_rows
