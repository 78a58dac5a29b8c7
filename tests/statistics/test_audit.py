from assay.statistics.audit import Detections, detector


def test_a_detector_that_always_accuses_is_at_chance():
    seen = Detections(
        positives=10, reported=10, named=6, located=3, negatives=10, cleared=0, accused=10
    )
    assert detector(seen) == {
        "positives": 10, "negatives": 10, "balanced_accuracy": 0.5, "precision": 0.5,
        "recall": 1.0, "identification": 0.6, "localisation": 0.3,
    }  # fmt: skip


def test_an_unreadable_answer_on_a_clean_task_is_no_clearance_and_no_accusation():
    seen = Detections(
        positives=2, reported=1, named=1, located=1, negatives=2, cleared=1, accused=0
    )
    assert detector(seen)["balanced_accuracy"] == 0.5
    assert detector(seen)["precision"] == 1.0


def test_nothing_is_divided_by_nothing():
    seen = Detections(
        positives=0, reported=0, named=0, located=0, negatives=3, cleared=3, accused=0
    )
    found = detector(seen)
    assert [found[name] for name in ("balanced_accuracy", "precision", "recall")] == [None] * 3
