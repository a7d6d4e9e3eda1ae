"""Static files: versioned URLs, and WhiteNoise, which sends them compressed ahead of time."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from flask import Flask
from whitenoise import WhiteNoise

MAX_AGE = 60 * 60
"""Seconds a browser may keep a file: a changed one has another URL at once."""


def init_app(app: Flask) -> None:
    """Give static URLs their file's hash, and serve them compressed unless in debug mode; called
    once all blueprints are registered.

    The compressed files stand beside the originals: `make run` and `make test` make them by
    `python -m whitenoise.compress`. In debug mode Flask serves the originals, so that an edit
    shows at once.
    """
    folders = {"static": ("static/", Path(app.static_folder or ""))}
    for name, blueprint in app.blueprints.items():
        if blueprint.static_folder:
            [rule] = app.url_map.iter_rules(f"{name}.static")
            prefix = rule.rule.removeprefix("/").removesuffix("<path:filename>")
            folders[f"{name}.static"] = (prefix, Path(blueprint.static_folder))

    @app.url_defaults
    def version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in folders and "filename" in values:
            file = folders[endpoint][1] / values["filename"]
            if file.is_file():
                values["v"] = _hash(file, file.stat().st_mtime_ns)

    if app.debug:
        return
    whitenoise = _Fresh(
        app.wsgi_app, max_age=MAX_AGE, allow_all_origins=False, add_headers_function=_headers
    )
    for prefix, folder in folders.values():
        whitenoise.add_files(str(folder), prefix=prefix)
    app.wsgi_app = whitenoise  # type: ignore[method-assign]


@lru_cache(maxsize=256)
def _hash(file: Path, _modified: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


class _Fresh(WhiteNoise):  # type: ignore[misc]
    """Leaves out a compressed file that is older than its original."""

    def get_static_file(
        self, path: str, url: str, stat_cache: dict[str, os.stat_result] | None = None
    ) -> Any:
        if stat_cache is not None:
            made = stat_cache[path].st_mtime
            names = (path, f"{path}.br", f"{path}.gz")
            found = {name: stat_cache[name] for name in names if name in stat_cache}
            stat_cache = {name: stat for name, stat in found.items() if stat.st_mtime >= made}
        return super().get_static_file(path, url, stat_cache)


def _headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
