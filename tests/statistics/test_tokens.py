from assay.statistics.tokens import Sample, tokens, told_apart


def test_a_token_is_a_word_or_a_sign():
    assert tokens("a.b(a, '%s')") == {
        "a": 2, ".": 1, "b": 1, "(": 1, ",": 1, "'": 2, "%": 1, "s": 1, ")": 1,
    }  # fmt: skip


def test_a_word_that_tells_is_found_in_groups_that_were_not_seen():
    samples = [
        Sample(str(group), kind, f"unit{group} {'raw' if kind else 'safe'}")
        for group in range(4) for kind in (True, False)
    ]  # fmt: skip
    assert told_apart(samples) == {"total": 8, "right": 8, "ties": 0, "share": 1.0}


def test_twins_of_equal_bags_are_ties():
    samples = [
        Sample(str(group), kind, f"f{'(a, b)' if kind else '(b, a)'} {group}")
        for group in range(3) for kind in (True, False)
    ]  # fmt: skip
    assert told_apart(samples) == {"total": 6, "right": 0, "ties": 6, "share": 0.5}


def test_a_word_that_only_its_own_group_has_does_not_help():
    samples = [
        Sample(str(group), kind, f"{kind}{group}") for group in range(3) for kind in (True, False)
    ]
    assert told_apart(samples)["share"] == 0.5


def test_what_was_left_out_is_not_told_by_there_being_one_less_of_its_kind():
    samples = [Sample(str(number), number % 2 == 0, f"a b c {number}") for number in range(20)]
    assert told_apart(samples) == {"total": 20, "right": 0, "ties": 20, "share": 0.5}


def test_the_order_of_the_samples_does_not_matter():
    samples = [Sample(str(n % 3), n % 2 == 0, f"w{n % 4} w{n % 5}") for n in range(12)]
    assert told_apart(samples) == told_apart(samples[::-1])


def test_nothing_to_tell_apart():
    assert told_apart([])["share"] is None
    assert told_apart([Sample("u", True, "a")]) == {"total": 1, "right": 0, "ties": 1, "share": 0.5}
