# Answers: one model at a time, as a single deterministic stream.
# In:  config/models/<model>.yaml, select_tasks/<target>/tasks.parquet (keys: reference solvers only)
#      batch/<run>/<model>/: results that somebody brought in (models that are asked outside)
# Out: fetch_model/<model>/receipt.json; run_model/<model>/responses.parquet
#      write_batch/<model>/requests.jsonl, index.json (models that are asked outside)
#      telemetry/fetch_model/<model>/memory.json
#      telemetry/run_model/<model>/: telemetry.parquet, fingerprint.json, answers.jsonl, engine.log


rule fetch_model:
    output:
        receipt=RUN.result("fetch_model", "{model}", "receipt.json"),
        memory=RUN.telemetry("fetch_model", "{model}", "memory.json"),
    log:
        RUN.log("fetch_model", "{model}"),
    benchmark:
        RUN.benchmark("fetch_model", "{model}")
    wildcard_constraints:
        model=RUN.outside.made_here,
    params:
        settings=settings_of(),
        code=RUN.code("fetch_model"),
    shell:
        command("fetch_model", "model", outputs="receipt memory", image="")


rule write_batch:
    input:
        tasks=expand(rules.select_tasks.output.tasks, target=TARGETS),
        image=receipt("tools"),
    output:
        requests=RUN.result("write_batch", "{model}", "requests.jsonl"),
        index=RUN.result("write_batch", "{model}", "index.json"),
    log:
        RUN.log("write_batch", "{model}"),
    benchmark:
        RUN.benchmark("write_batch", "{model}")
    container:
        RUN.container("tools")
    params:
        settings=settings_of("seed"),
        code=lambda w: RUN.code("write_batch", engines=[engine(w)]),
    shell:
        command("write_batch", "model", "tasks", "requests index", image=TOOLS)


rule run_model:
    input:
        tasks=expand(rules.select_tasks.output.tasks, target=TARGETS),
        keys_=keys_for,
        receipt=rules.fetch_model.output.receipt,
        outside=lambda w: RUN.outside.files(w.model),
        image=engine_receipt,
    output:
        responses=RUN.result("run_model", "{model}", "responses.parquet"),
        telemetry=RUN.telemetry("run_model", "{model}", "telemetry.parquet"),
        fingerprint=RUN.telemetry("run_model", "{model}", "fingerprint.json"),
    log:
        RUN.log("run_model", "{model}"),
    benchmark:
        RUN.benchmark("run_model", "{model}")
    wildcard_constraints:
        model=RUN.outside.made_here,
    container:
        engine_container
    threads: lambda w: RUN.threads(w.model)
    resources:
        gpu=lambda w: RUN.gpus(w.model),
    params:
        settings=settings_of("seed"),
        code=lambda w: RUN.code("run_model", engines=[engine(w)]),
        image=engine_image,
        optional=lambda w, input: RUN.optional_flags(w.model, input.keys_),
    shell:
        command("run_model", "model", "tasks receipt", "responses telemetry fingerprint")
        + " {params.optional}"
