"""Inference engines and reference solvers: one file each, and the one run over all tasks."""
