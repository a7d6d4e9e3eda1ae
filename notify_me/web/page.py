"""The layout of the form page: the shop's own template, or the kit's plain one."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from flask import current_app, render_template
from jinja2 import Environment, Template, TemplateNotFound, TemplateSyntaxError, nodes
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from ..context import current_settings
from ..settings.tables.page import Page

logger = logging.getLogger(__name__)

PLAIN = Page(template="notify_me/base.html")


def render_page(context: dict[str, Any]) -> str:
    """Render a view as a page, in the layout set under `[page]`. Use the kit's plain layout if the
    shop's layout doesn't exist, lacks the block, or reads a database that is unavailable.
    """
    environment, page = current_app.jinja_env, current_settings().page
    if not _cached_problem(environment, page):
        try:
            return _render(environment, page, context)
        except SQLAlchemyError as error:
            logger.error("the layout %s failed: %s", page.template, type(error).__name__)
    return _render(environment, PLAIN, context)


def _render(environment: Environment, page: Page, context: dict[str, Any]) -> str:
    # rendered separately, so that the variables of the kit's templates, such as `form`, don't
    # replace those of the shop's layout
    title = environment.get_template("notify_me/_page_title.html").render(context)
    view = render_template("notify_me/page.html", **context)
    return render_template(
        _frame(environment, page.block),
        notify_me_layout=environment.get_template(page.template),
        notify_me_title=Markup(title),  # noqa: S704 - Jinja's own output
        notify_me_description=context["body_content"],
        notify_me_view=Markup(view),  # noqa: S704 - Jinja's own output
    )


@lru_cache(maxsize=8)
def _frame(environment: Environment, block: str) -> Template:
    """Return a template that extends the layout and shows a view in the block with this name."""
    return environment.from_string(
        "{% extends notify_me_layout %}"
        "{% block title %}{{ notify_me_title }}{% endblock %}"
        '{% block head %}<meta name="robots" content="noindex">{% if notify_me_description %}'
        '<meta name="description" content="{{ notify_me_description }}">{% endif %}{% endblock %}'
        f"{{% block {block} %}}{{{{ notify_me_view }}}}{{% endblock %}}"
    )


def layout_problem(environment: Environment, page: Page) -> str:
    """Return why the layout can't be used and what to do about it; empty if it can be used."""
    try:
        names = _blocks(environment, page.template)
    except TemplateNotFound as error:
        return f"there is no template {error.name}: set [page] template to the shop's layout"
    except TemplateSyntaxError:
        # at startup, the shop may not have added all its Jinja extensions yet
        return ""
    if page.block in names:
        return ""
    existing = ", ".join(sorted(names)) or "none"
    return (
        f"{page.template} has no block {page.block}: set [page] block to one of these: {existing}"
    )


_cached_problem = lru_cache(maxsize=32)(layout_problem)


def _blocks(environment: Environment, name: str) -> set[str]:
    """Return the names of the blocks of a template and of the templates that it extends."""
    if environment.loader is None:
        return set()
    source, _, _ = environment.loader.get_source(environment, name)
    tree = environment.parse(source)
    names = {block.name for block in tree.find_all(nodes.Block)}
    for extends in tree.find_all(nodes.Extends):
        if isinstance(extends.template, nodes.Const):
            names |= _blocks(environment, extends.template.value)
    return names
