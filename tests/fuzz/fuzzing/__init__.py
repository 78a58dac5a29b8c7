"""Fuzz targets over all that reads hostile text outside the sandbox, and what drives them.

A target is a function of bytes that returns nothing and raises only where a promise is broken.
`python -m fuzzing` drives them with coverage; `tests/fuzz/test_*.py` with hypothesis.
"""
