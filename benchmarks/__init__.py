"""Benchmarks of the kit and the shop. The docstring of each says how to run it."""
