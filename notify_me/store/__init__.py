"""The kit's tables and the queries on them: an engine goes in, dataclasses come out. No Flask."""
