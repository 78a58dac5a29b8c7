"""What the steps of a run took."""

from assay.reporting import steps

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def benchmark(folder, name, figures):
    path = folder / "steps" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds, memory, processor = figures
    path.write_text(f"{HEAD}{seconds}\t0:00:00\t{memory}\t0\t0\t0\t0\t0\t0\t{processor}\n")


def test_jobs_of_a_step_are_added_and_the_highest_peak_counts(tmp_path):
    benchmark(tmp_path, "synthesise_tasks/cerberus/0-of-2", (60.0, 300.0, 50.5))
    benchmark(tmp_path, "synthesise_tasks/cerberus/1-of-2", (40.5, 700.0, 39.0))
    benchmark(tmp_path, "fetch_source/cerberus", (0.4, "NA", "NA"))
    assert [line.split() for line in steps.lines(tmp_path)] == [
        ["step", "jobs", "wall", "s", "peak", "MiB"],
        ["fetch_source", "1", "0.4", "0"],
        ["synthesise_tasks", "2", "100.5", "700"],
        ["cerberus/0-of-2", "60.0", "300"],
        ["cerberus/1-of-2", "40.5", "700"],
    ]


def test_a_run_without_figures_has_a_head_only(tmp_path):
    assert len(steps.lines(tmp_path)) == 1
