# Behaviour of the unchanged target: its tests, their coverage, scenarios.
# In:  fetch_source/<target>/source.tar, extract_units/<target>/units.parquet
# Out: record_behaviour/<target>/behaviour.parquet, scenarios.parquet


rule record_behaviour:
    input:
        source=rules.fetch_source.output.source,
        units=rules.extract_units.output.units,
        image=testbed_receipt,
    output:
        behaviour=RUN.result("record_behaviour", "{target}", "behaviour.parquet"),
        scenarios=RUN.result("record_behaviour", "{target}", "scenarios.parquet"),
    log:
        RUN.log("record_behaviour", "{target}"),
    benchmark:
        RUN.benchmark("record_behaviour", "{target}")
    container:
        testbed
    params:
        settings=settings_of("seed", "behaviour", "limits", "sandbox"),
        code=RUN.code("record_behaviour"),
        image=testbed_image,
    shell:
        command("record_behaviour", "target", "source units", "behaviour scenarios")
