"""gunicorn's settings: threads, and an end within the launcher's five seconds."""

import os
import sys
from importlib import import_module

import click

host = os.environ.get("HOST", "127.0.0.1")
bind = f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT', '5000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 8
# the launcher kills what is left after five seconds, and an idle keep-alive client costs one
graceful_timeout = 3
control_socket_disable = True


def on_starting(server: object) -> None:
    """Refuse to start, with one sentence, where a setting is wrong: a worker gives a traceback."""
    sys.path.insert(0, os.getcwd())
    try:
        import_module("app").create_app()
    except click.ClickException as error:
        sys.exit(f"The shop can't start. {error.format_message()}")
