"""The layout of the form page: the shop's own template, or the kit's plain one."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

from flask import current_app, render_template
from jinja2 import (
    Environment,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    nodes,
    pass_context,
)
from jinja2.runtime import Context
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError

from ..context import current_settings
from ..settings.tables.page import Page
from .templates import kit_environment, kit_template

logger = logging.getLogger(__name__)

PLAIN = Page(template="notify_me/base.html")
RUNTIME_LAYOUT = ""
"""Stands for the blocks of a layout that is chosen in each request, such as a partial for htmx."""


def render_page(context: dict[str, Any]) -> str:
    """Render a view as a page, in the layout set under `[page]`. Use the kit's plain layout if the
    shop's layout doesn't exist, lacks the block, or reads a database that is unavailable.
    """
    environment, page = current_app.jinja_env, current_settings().page
    if is_layout_usable(environment, page):
        try:
            if html := _render(environment, page, context):
                return html
            logger.error("the layout %s has no block %s on this page", page.template, page.block)
        except SQLAlchemyError as error:
            logger.error("the layout %s failed: %s", page.template, type(error).__name__)
    return _render(environment, PLAIN, context)


def _layout_environment(environment: Environment, page: Page) -> Environment:
    """Return the environment of the layout: the shop's, or the kit's for one of its templates."""
    return kit_environment(environment) if page.template.startswith("notify_me/") else environment


def _render(environment: Environment, page: Page, context: dict[str, Any]) -> str:
    """Return the page; empty if its layout doesn't show the block."""
    environment = _layout_environment(environment, page)
    is_shown = False

    # rendered separately, so that the variables of the kit's templates, such as `form`, don't
    # replace those of the shop's layout
    @pass_context
    def show(shop_context: Context, name: str) -> Markup:
        nonlocal is_shown
        is_shown |= name == "page.html"
        html = kit_template(name).render({**shop_context.get_all(), **context})
        return Markup(html)  # noqa: S704 - Jinja's own output

    html = render_template(
        _frame(environment, page.block),
        notify_me_layout=environment.get_template(page.template),
        notify_me_description=escape(context["body_content"]),
        notify_me_show=show,
    )
    return html if is_shown else ""


@lru_cache(maxsize=8)
def _frame(environment: Environment, block: str) -> Template:
    """Return a template that extends the layout and shows a view in the block with this name."""
    source = (
        "{% extends notify_me_layout %}"
        "{% block title %}{{ notify_me_show('_page_title.html') }}{% endblock %}"
        '{% block head %}<meta name="robots" content="noindex">{% if notify_me_description %}'
        '<meta name="description" content="{{ notify_me_description }}">{% endif %}{% endblock %}'
        f"{{% block {block} %}}{{{{ notify_me_show('page.html') }}}}{{% endblock %}}"
    )
    # in the shop's environment and its syntax: an asynchronous template can't extend another kind
    syntax = {
        "{%": environment.block_start_string,
        "%}": environment.block_end_string,
        "{{": environment.variable_start_string,
        "}}": environment.variable_end_string,
    }
    source = re.sub("{%|%}|{{|}}", lambda match: syntax[match[0]], source)
    # with a name, since a shop may have a rule for escaping that expects one
    code = environment.compile(source, "notify_me/form_page.html")
    return Template.from_code(environment, code, environment.make_globals(None))


@lru_cache(maxsize=32)
def is_layout_usable(environment: Environment, page: Page) -> bool:
    """Return whether the form page can use the shop's layout. If it can't, log why, once."""
    try:
        names = _blocks(_layout_environment(environment, page), page.template)
    except TemplateSyntaxError:
        return True  # the shop should see this error
    except TemplateNotFound as error:
        problem = f"there is no template {error.name}: set [page] template to the shop's layout"
    else:
        if page.block in names or RUNTIME_LAYOUT in names:
            return True
        existing = ", ".join(sorted(names)) or "none"
        problem = (
            f"{page.template} has no block {page.block}: set [page] block to one of these: "
            f"{existing}"
        )
    logger.warning("the form page uses the kit's plain layout, because %s", problem)
    return False


def _blocks(environment: Environment, name: str) -> set[str]:
    """Return the names of the blocks of a template and of the templates that it extends, and
    `RUNTIME_LAYOUT` if it extends one that depends on the request.
    """
    if environment.loader is None:
        return set()
    source, _, _ = environment.loader.get_source(environment, name)
    tree = environment.parse(source)
    names = {block.name for block in tree.find_all(nodes.Block)}
    for extends in tree.find_all(nodes.Extends):
        if isinstance(extends.template, nodes.Const):
            names |= _blocks(environment, extends.template.value)
        else:
            names.add(RUNTIME_LAYOUT)
    return names
