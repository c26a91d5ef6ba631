"""Benchmarks, each against a baseline: the least that leads to the same result."""
