"""Benchmarks of the kit and the shop. Each module's docstring says how to run it."""
