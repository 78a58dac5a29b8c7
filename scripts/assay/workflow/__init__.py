"""What the Snakefile asks at parse time: paths, settings of steps, code digests, the run's lock."""
