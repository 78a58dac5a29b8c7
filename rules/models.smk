# Answers: one model at a time, as a single deterministic stream.
# In:  config/models/<model>.yaml, select_tasks/<target>/tasks.parquet (keys: reference solvers only)
# Out: fetch_model/<model>/receipt.json; run_model/<model>/responses.parquet
#      telemetry/fetch_model/<model>/memory.json
#      telemetry/run_model/<model>/: telemetry.parquet, fingerprint.json, engine.log


rule fetch_model:
    output:
        receipt=RUN.result("fetch_model", "{model}", "receipt.json"),
        memory=RUN.telemetry("fetch_model", "{model}", "memory.json"),
    log:
        RUN.log("fetch_model", "{model}"),
    benchmark:
        RUN.benchmark("fetch_model", "{model}")
    params:
        settings=settings_of(),
        code=RUN.code("fetch_model"),
    shell:
        command("fetch_model", "model", outputs="receipt memory", image="")


rule run_model:
    input:
        tasks=expand(rules.select_tasks.output.tasks, target=TARGETS),
        keys_=keys_for,
        receipt=rules.fetch_model.output.receipt,
        image=engine_receipt,
    output:
        responses=RUN.result("run_model", "{model}", "responses.parquet"),
        telemetry=RUN.telemetry("run_model", "{model}", "telemetry.parquet"),
        fingerprint=RUN.telemetry("run_model", "{model}", "fingerprint.json"),
    log:
        RUN.log("run_model", "{model}"),
    benchmark:
        RUN.benchmark("run_model", "{model}")
    container:
        engine_container
    threads: lambda w: RUN.threads(w.model)
    resources:
        gpu=lambda w: 0 if RUN.needs_keys(w.model) else 1,
    params:
        settings=settings_of("seed"),
        code=lambda w: RUN.code("run_model", engines=[engine(w)]),
        image=engine_image,
        optional=lambda w, input: RUN.optional_flags(w.model, input.keys_),
    shell:
        command("run_model", "model", "tasks receipt", "responses telemetry fingerprint")
        + " {params.optional}"
