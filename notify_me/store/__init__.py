"""The kit's tables and queries: they take an engine and return dataclasses, without Flask."""
