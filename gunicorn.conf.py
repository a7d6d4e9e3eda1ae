"""Settings for gunicorn: one process with threads, and a quick shutdown."""

import os
import sys
from importlib import import_module

import click

host = os.environ.get("HOST", "127.0.0.1")
bind = f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT', '5000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 8
# seconds; the launcher kills processes after five, and idle keep-alive connections take one more
graceful_timeout = 3
control_socket_disable = True


def on_starting(server: object) -> None:
    """Stop with a message if a setting is invalid; in a worker it would be a traceback."""
    sys.path.insert(0, os.getcwd())
    try:
        import_module("app").create_app()
    except click.ClickException as error:
        sys.exit(f"The shop can't start. {error.format_message()}")
