from assay.reporting.latency import per_second, speed


def rows(run):
    return run.rows["responses"], run.rows["telemetry"]


def test_speed_is_that_of_the_single_stream_scenario(run):
    run.target("cerberus", 1).model("small", 50)
    for number, (answer, times) in enumerate(zip(*rows(run), strict=True)):
        answer.update(completion_tokens=11, prompt_tokens=100)
        times.update(latency_us=1_000_000 * (number + 1), ttft_us=500_000, decode_us=1_000_000,
                     prompt_us=400_000)  # fmt: skip
    found = speed(*rows(run))
    assert found["latency"] == {"p50": 2_000_000, "p90": 3_000_000, "p99": 3_000_000}
    assert found["ttft"]["p50"] == 500_000
    assert found["tpot"] == {"p50": 150_000, "p90": 250_000, "p99": 250_000}
    assert found["duration_us"] == 6_000_000
    assert (found["tokens_a_second"], found["decode_a_second"]) == (5.5, 11.0)
    assert found["prompt_a_second"] == 250.0


def test_void_answers_are_in_no_figure_of_speed(run):
    run.target("cerberus", 5).model("small", 50, void=4)
    assert speed(*rows(run))["answers"] == 11


def test_a_short_answer_has_no_time_per_token_and_nothing_is_divided_by_nothing(run):
    run.target("cerberus", 1).model("small", 50)
    for answer, times in zip(*rows(run), strict=True):
        answer["completion_tokens"] = 1
        times.update(ttft_us=None, decode_us=None, prompt_us=None)
    found = speed(*rows(run))
    assert found["tpot"]["p50"] is found["ttft"]["p50"] is found["decode_a_second"] is None
    assert per_second(5, 0) is None
    assert speed([], []) is None


def test_a_reference_solver_has_no_speed(run):
    run.target("cerberus", 1).model("oracle", 100, "oracle")
    assert speed(*rows(run)) is None
