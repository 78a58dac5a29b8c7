import json

from assay.statistics.evidence import asked, evidence


def key(task, fields, *, control=False):
    return {"target": "t", "task_id": task, "is_control": control, "key_json": json.dumps(fields)}


def verdict(task, checks, status="passed"):
    return {"target": "t", "task_id": task, "status": status, "checks_json": json.dumps(checks)}


KEYS = [
    key("e1", {"exploit": {}}), key("e2", {"exploit": {}}), key("e3", {"exploit": {}}),
    key("e4", {"exploit": {}}), key("w1", {"witness": {}}), key("n1", {}),
    key("c1", {"witness": {}}, control=True),
]  # fmt: skip


def test_controls_and_tasks_that_ask_for_nothing_are_not_counted():
    assert asked(KEYS) == {
        "witness": {("t", "w1")}, "exploit": {("t", name) for name in ("e1", "e2", "e3", "e4")},
    }  # fmt: skip


def test_none_given_counts_as_none_that_holds_and_void_not_at_all():
    verdicts = [
        verdict("e1", {"exploited": True}), verdict("e2", {"exploited": False}, "failed"),
        verdict("e3", {}, "unreadable"), verdict("e4", {"exploited": True}, "void"),
        verdict("w1", {"witnessed": True}), verdict("c1", {"witnessed": True}),
        verdict("n1", {"exploited": True}),
    ]  # fmt: skip
    found = evidence(verdicts, asked(KEYS))
    assert found["exploit"] | {"rate": 0, "interval": 0} == {
        "passed": 1, "total": 3, "given": 2, "rate": 0, "interval": 0,
    }  # fmt: skip
    assert found["exploit"]["rate"] == 0.3333
    assert (found["witness"]["passed"], found["witness"]["total"]) == (1, 1)
    assert found["witness"]["given"] is None


def test_a_run_that_asks_for_nothing_has_no_rates():
    found = evidence([verdict("n1", {})], asked(KEYS[-2:]))
    assert found["exploit"]["rate"] is found["witness"]["rate"] is None
