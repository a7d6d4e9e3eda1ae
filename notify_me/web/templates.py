"""The kit's templates, in a Jinja environment of their own.

They use Jinja's default syntax and escape everything, whatever the shop's environment does. The
shop's globals, filters, context processors and copies of the templates apply to them, too.
"""

from __future__ import annotations

from functools import lru_cache

from flask import current_app
from jinja2 import Environment, Template, defaults


def kit_template(name: str) -> Template:
    """Return one of the kit's templates, or the shop's copy of it."""
    return kit_environment(current_app.jinja_env).get_template(f"notify_me/{name}")


@lru_cache(maxsize=8)
def kit_environment(shop_environment: Environment) -> Environment:
    """Return the environment for the kit's templates."""
    return shop_environment.overlay(
        block_start_string=defaults.BLOCK_START_STRING,
        block_end_string=defaults.BLOCK_END_STRING,
        variable_start_string=defaults.VARIABLE_START_STRING,
        variable_end_string=defaults.VARIABLE_END_STRING,
        comment_start_string=defaults.COMMENT_START_STRING,
        comment_end_string=defaults.COMMENT_END_STRING,
        line_statement_prefix=None,
        line_comment_prefix=None,
        trim_blocks=False,
        lstrip_blocks=False,
        autoescape=True,
        finalize=None,
        enable_async=False,
    )
