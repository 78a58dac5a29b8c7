"""Runs a target's code in the sandbox: its tests, scenarios, probes; records its behaviour."""
