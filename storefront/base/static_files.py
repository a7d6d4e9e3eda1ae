"""Static files: URLs with a content hash, served by WhiteNoise from files compressed in advance."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from flask import Flask
from whitenoise import WhiteNoise

MAX_AGE = 60 * 60
"""Seconds a browser may cache a file; a changed file has a new URL."""


def init_app(app: Flask) -> None:
    """Add content hashes to static URLs, and serve compressed files if they exist.

    Call it after all blueprints are registered. `make run` and `make test` compress the files with
    `python -m whitenoise.compress`. In debug mode, Flask serves the originals, so edits show at
    once.
    """
    folders = {"static": ("static/", Path(app.static_folder or ""))}
    for name, blueprint in app.blueprints.items():
        if blueprint.static_folder:
            [rule] = app.url_map.iter_rules(f"{name}.static")
            prefix = rule.rule.removeprefix("/").removesuffix("<path:filename>")
            folders[f"{name}.static"] = (prefix, Path(blueprint.static_folder))

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in folders and "filename" in values:
            file = f"{folders[endpoint][1]}/{values['filename']}"
            with suppress(OSError):
                values["v"] = _hash(file, os.stat(file).st_mtime_ns)

    if app.debug:
        return
    whitenoise = _WhiteNoise(
        app.wsgi_app, max_age=MAX_AGE, allow_all_origins=False, add_headers_function=_add_headers
    )
    for prefix, folder in folders.values():
        whitenoise.add_files(str(folder), prefix=prefix)
    app.wsgi_app = whitenoise  # type: ignore[method-assign]


@lru_cache(maxsize=256)
def _hash(file: str, _modified: int) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:10]


class _WhiteNoise(WhiteNoise):  # type: ignore[misc]
    """Ignores compressed files that are older than their original."""

    def get_static_file(
        self, path: str, url: str, stat_cache: dict[str, os.stat_result] | None = None
    ) -> Any:
        if stat_cache is not None:
            modified = stat_cache[path].st_mtime
            stat_cache = {
                name: stat_cache[name]
                for name in (path, f"{path}.br", f"{path}.gz")
                if name in stat_cache and stat_cache[name].st_mtime >= modified
            }
        return super().get_static_file(path, url, stat_cache)


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
