"""Caches for templates, URLs and SQL that all apps of a test run share.

The tests create about two thousand apps. Without these caches, half of an app's startup
time is spent compiling.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

import sqlalchemy as sa
from flask import Flask
from jinja2 import BytecodeCache, Environment, nodes
from jinja2.bccache import Bucket
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule


def install() -> None:
    """Install the caches for all apps that this process creates from now on."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
    _share_syntax_trees()
    _share_code_of_strings()
    _share_url_builders()
    _share_sql()


class _Templates(BytecodeCache):
    """Keeps compiled templates in memory."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a template's code if the same source was compiled before."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Store a template's code."""
        self._code[bucket.key, bucket.checksum] = bucket.code


def _share_syntax_trees() -> None:
    """Share the syntax trees in which the kit looks for the blocks of a layout, and the results.

    Shared trees are never deleted, so an ID belongs to only one of them.
    """
    parse, find_all = Environment.parse, nodes.Node.find_all
    trees: dict[Any, nodes.Template] = {}
    found: dict[int, dict[Any, list[Any]]] = {}

    def shared(environment: Environment, source: str, *names: str | None) -> nodes.Template:
        key = (tuple(environment.extensions), source)
        if key not in trees:
            trees[key] = parse(environment, source, *names)
            found[id(trees[key])] = {}
        return trees[key]

    def shared_search(node: nodes.Node, kind: Any) -> Any:
        if (results := found.get(id(node))) is None:
            return find_all(node, kind)
        if kind not in results:
            results[kind] = list(find_all(node, kind))
        return results[kind]

    Environment.parse = shared  # type: ignore[method-assign, assignment]
    nodes.Node.find_all = shared_search  # type: ignore[method-assign, assignment]


def _share_code_of_strings() -> None:
    """Share the code of templates that are strings, which Jinja's own cache ignores."""
    compile_template, compiled = Environment.compile, {}

    def shared(environment: Environment, source: str, *names: Any, **options: Any) -> Any:
        if names or options:
            return compile_template(environment, source, *names, **options)
        key = (tuple(environment.extensions), source)
        if key not in compiled:
            compiled[key] = compile_template(environment, source)
        return compiled[key]

    Environment.compile = shared  # type: ignore[method-assign, assignment]


def _share_url_builders() -> None:
    """Share the functions that build URLs between equal rules."""
    compile_builder, builders = Rule._compile_builder, {}

    def shared(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (
            rule.rule,
            rule.subdomain,
            rule.host,
            repr(rule.defaults),
            rule.map.host_matching if rule.map else None,
            append_unknown,
        )
        if key not in builders:
            builders[key] = compile_builder(rule, append_unknown)
        return builders[key]

    Rule._compile_builder = shared  # type: ignore[method-assign, assignment]


def _share_sql() -> None:
    """Share compiled statements between all SQLite engines.

    Their dialects have the same options, but SQLAlchemy caches per engine and compares dialects.
    """
    compiled: LRUCache[Any, Any] = LRUCache(5000)

    def equal(this: SQLiteDialect_pysqlite, other: object) -> bool:
        return type(this) is type(other)

    SQLiteDialect_pysqlite.__eq__ = equal  # type: ignore[method-assign, assignment]
    SQLiteDialect_pysqlite.__hash__ = lambda this: hash(type(this))  # type: ignore[method-assign, assignment]

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def _use(connection: sa.Connection) -> None:
        if isinstance(connection.dialect, SQLiteDialect_pysqlite):
            connection.engine._compiled_cache = compiled
