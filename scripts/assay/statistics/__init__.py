"""Rates, intervals and percentiles: integers in, values of fixed form out."""
