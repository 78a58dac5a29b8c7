"""Assay: proven evaluations of language models, made from one real codebase."""
