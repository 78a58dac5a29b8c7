"""Makes tasks: mutants, the gates that prove them, the pipeline, and the final selection."""
