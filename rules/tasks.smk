# Tasks and their keys, proven by execution.
# In:  source.tar, units.parquet, behaviour.parquet, scenarios.parquet of each target
# Out: select_tasks/<target>/tasks.parquet, keys.parquet, rejected.parquet


rule synthesise_tasks:
    input:
        source=rules.fetch_source.output.source,
        units=rules.extract_units.output.units,
        behaviour=rules.record_behaviour.output.behaviour,
        scenarios=rules.record_behaviour.output.scenarios,
        image=testbed_receipt,
    output:
        **shard_tables("synthesise_tasks"),
    log:
        RUN.log("synthesise_tasks", "{target}", "{shard}-of-{shards}"),
    benchmark:
        RUN.benchmark("synthesise_tasks", "{target}", "{shard}-of-{shards}")
    container:
        testbed
    params:
        settings=settings_of("seed", "tasks", "gates", "limits", "sandbox"),
        code=RUN.code("synthesise_tasks", "config/prompts"),
        prompts="config/prompts",
        image=testbed_image,
    shell:
        command(
            "synthesise_tasks",
            "target shard shards",
            "source units behaviour scenarios",
            "tasks keys_ rejected",
            "prompts",
        )


rule select_tasks:
    input:
        tasks=shards_of("synthesise_tasks", "tasks"),
        keys_=shards_of("synthesise_tasks", "keys"),
        rejected=shards_of("synthesise_tasks", "rejected"),
        image=receipt("tools"),
    output:
        tasks=RUN.result("select_tasks", "{target}", "tasks.parquet"),
        keys_=RUN.result("select_tasks", "{target}", "keys.parquet"),
        rejected=RUN.result("select_tasks", "{target}", "rejected.parquet"),
    log:
        RUN.log("select_tasks", "{target}"),
    benchmark:
        RUN.benchmark("select_tasks", "{target}")
    container:
        RUN.container("tools")
    params:
        settings=settings_of("seed", "tasks"),
        code=RUN.code("select_tasks"),
    shell:
        command(
            "select_tasks", "target", "tasks keys_ rejected", "tasks keys_ rejected", image=TOOLS
        )
