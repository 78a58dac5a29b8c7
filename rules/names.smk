# Names that answers invent: the index of the pinned environment, and the answers beside it.
# In:  source.tar, units.parquet of a target; tasks, keys; responses.parquet of a model
# Out: index_api/<target>/api_index.parquet; check_names/<model>/<target>/hallucinations.parquet


rule inspect_api:
    input:
        source=rules.fetch_source.output.source,
        units=rules.extract_units.output.units,
        image=testbed_receipt,
    output:
        inspected=temp(RUN.result("inspect_api", "{target}", "inspected.json")),
        environment=temp(RUN.result("inspect_api", "{target}", "environment.tar")),
    log:
        RUN.log("inspect_api", "{target}"),
    benchmark:
        RUN.benchmark("inspect_api", "{target}")
    container:
        testbed
    params:
        settings=settings_of("limits", "sandbox"),
        code=RUN.code("inspect_api"),
        image=testbed_image,
    shell:
        command("inspect_api", "target", "source units", "inspected environment")


rule index_api:
    input:
        source=rules.fetch_source.output.source,
        inspected=rules.inspect_api.output.inspected,
        environment=rules.inspect_api.output.environment,
        image=receipt("tools"),
    output:
        index=RUN.result("index_api", "{target}", "api_index.parquet"),
    log:
        RUN.log("index_api", "{target}"),
    benchmark:
        RUN.benchmark("index_api", "{target}")
    container:
        RUN.container("tools")
    params:
        settings=settings_of(),
        code=RUN.code("index_api"),
    shell:
        command("index_api", "target", "source inspected environment", "index", image=TOOLS)


rule check_names:
    input:
        tasks=rules.select_tasks.output.tasks,
        keys_=rules.select_tasks.output.keys_,
        responses=rules.run_model.output.responses,
        index=rules.index_api.output.index,
        image=receipt("tools"),
    output:
        hallucinations=RUN.result("check_names", "{model}", "{target}", "hallucinations.parquet"),
    log:
        RUN.log("check_names", "{model}", "{target}"),
    benchmark:
        RUN.benchmark("check_names", "{model}", "{target}")
    container:
        RUN.container("tools")
    params:
        settings=settings_of(),
        code=RUN.code("check_names"),
    shell:
        command(
            "check_names",
            "target model",
            "tasks keys_ responses index",
            "hallucinations",
            image=TOOLS,
        )


INDEXES = expand(rules.index_api.output.index, target=TARGETS)
NAMES = expand(rules.check_names.output.hallucinations, model=MODELS, target=TARGETS)
