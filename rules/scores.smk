# Verdicts: every answer is run in the sandbox and compared outside of it.
# In:  source.tar, tasks.parquet, keys.parquet of a target; responses.parquet of a model
# Out: score_answers/<model>/<target>/verdicts.parquet; summarise_scores/summary.json, assay.sqlite


rule score_answers:
    input:
        source=rules.fetch_source.output.source,
        tasks=rules.select_tasks.output.tasks,
        keys_=rules.select_tasks.output.keys_,
        responses=rules.run_model.output.responses,
        image=testbed_receipt,
    output:
        verdicts=RUN.result("score_answers", "{model}", "{target}", "verdicts.parquet"),
        telemetry=RUN.telemetry("score_answers", "{model}", "{target}", "sandbox.json"),
    log:
        RUN.log("score_answers", "{model}", "{target}"),
    benchmark:
        RUN.benchmark("score_answers", "{model}", "{target}")
    container:
        testbed
    params:
        settings=settings_of("seed", "limits", "sandbox"),
        code=RUN.code("score_answers"),
        image=testbed_image,
    shell:
        command(
            "score_answers", "target model", "source tasks keys_ responses", "verdicts telemetry"
        )


VERDICTS = expand(rules.score_answers.output.verdicts, model=MODELS, target=TARGETS)
RESPONSES = expand(rules.run_model.output.responses, model=MODELS)
TASKS = expand(rules.select_tasks.output.tasks, target=TARGETS)
KEYS = expand(rules.select_tasks.output.keys_, target=TARGETS)
REJECTED = expand(rules.select_tasks.output.rejected, target=TARGETS)


rule summarise_scores:
    input:
        tasks=TASKS,
        keys_=KEYS,
        rejected=REJECTED,
        responses=RESPONSES,
        verdicts=VERDICTS,
        hallucinations=NAMES,
        image=receipt("tools"),
    output:
        summary=RUN.result("summarise_scores", "summary.json"),
        database=RUN.result("summarise_scores", "assay.sqlite"),
    log:
        RUN.log("summarise_scores"),
    benchmark:
        RUN.benchmark("summarise_scores")
    container:
        RUN.container("tools")
    params:
        settings=settings_of("run", "tasks"),
        code=RUN.code("summarise_scores"),
    shell:
        command(
            "summarise_scores",
            "",
            "tasks keys_ rejected responses verdicts hallucinations",
            "summary database",
            image=TOOLS,
        )


rule revalidate_tasks:
    input:
        source=rules.fetch_source.output.source,
        keys_=rules.select_tasks.output.keys_,
        image=testbed_receipt,
    output:
        verdicts=RUN.telemetry("revalidate_tasks", "{target}", "verdicts.json"),
    log:
        RUN.log("revalidate_tasks", "{target}"),
    benchmark:
        RUN.benchmark("revalidate_tasks", "{target}")
    container:
        testbed
    threads: workflow.cores
    params:
        settings=settings_of("limits", "sandbox"),
        code=RUN.code("revalidate_tasks"),
        image=testbed_image,
        repeats=10,
    shell:
        command("revalidate_tasks", "target", "source keys_", "verdicts", "repeats")


rule revalidate_all:
    input:
        expand(rules.revalidate_tasks.output.verdicts, target=TARGETS),
