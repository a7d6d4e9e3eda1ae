"""Measurements that the README quotes; each prints the command that repeats it."""
