"""The kit in shops with unusual settings of Flask and Jinja."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from flask.json.provider import DefaultJSONProvider
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from tests.notify_me.small_shop import small_catalog, small_shop
from tests.support import Sandbox

FORM = "/notify-me/$custom:::$default:::MUG"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}
ELEMENT = {"X-Notify-Me": "1"}


def make_shop(folder: Path, sandbox: Sandbox, **config: Any) -> Flask:
    """Return a shop that sells a sold-out mug."""
    return small_shop(folder, small_catalog(), **{**sandbox.environ(), **config})


class StrictJSON(DefaultJSONProvider):
    """Like orjson, accepts only `str` itself as a key, not its subclasses."""

    def dumps(self, obj: Any, **options: Any) -> str:
        """Serialize `obj`."""
        for value in (obj, *obj.values()):
            if isinstance(value, dict) and {*map(type, value)} - {str}:
                raise TypeError("Dict key must be str")
        return super().dumps(obj, **options)


@pytest.mark.parametrize(("mode", "state"), [("server", "done"), ("client", "send")])
def test_shop_with_its_own_json_provider(
    tmp_path: Path, sandbox: Sandbox, mode: str, state: str
) -> None:
    app = make_shop(tmp_path, sandbox, NOTIFY_ME_MODE=mode)
    app.json = StrictJSON(app)

    reply = app.test_client().post(FORM, data=SIGN_UP, headers=ELEMENT)

    assert reply.get_json()["state"] == state


def test_shop_with_variables_for_all_templates(tmp_path: Path, sandbox: Sandbox) -> None:
    """The kit's templates have optional variables with the same names."""
    app = make_shop(tmp_path, sandbox)
    app.context_processor(lambda: {"preview": True, "variant": "B", "body_content": "On sale"})
    shopper = app.test_client()

    dialog = shopper.get(FORM, headers=ELEMENT)
    confirmation = shopper.post(FORM, data=SIGN_UP, follow_redirects=True)

    # the script can't open a dialog that is already open
    assert re.search(r"<dialog [^>]* open>", dialog.text) is None
    assert "On sale" not in confirmation.text


def test_layout_has_variables_that_the_kit_uses(tmp_path: Path, sandbox: Sandbox) -> None:
    """The shop's layout shows a newsletter form and, on some pages, a message."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "base.html").write_text(
        "<body>{% block main %}{% endblock %}"
        "<footer>{{ form.newsletter }} {{ alert|default('no message') }}</footer>"
    )
    app = make_shop(tmp_path, sandbox)
    app.context_processor(lambda: {"form": {"newsletter": "Our newsletter"}})

    page = app.test_client().post(FORM, data={**SIGN_UP, "leave_blank": "x"})

    assert page.status_code == 422
    assert "<footer>Our newsletter no message</footer>" in page.text


BRACKETS = {
    "variable_start_string": "[[",
    "variable_end_string": "]]",
    "block_start_string": "[%",
    "block_end_string": "%]",
}


@pytest.mark.parametrize(
    "options",
    [
        BRACKETS,
        {"is_async": True},
        {"autoescape": False},
        {"line_statement_prefix": "<", "line_comment_prefix": "</"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_shop_with_its_own_jinja_options(
    tmp_path: Path, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    """The form page uses the shop's layout, in the shop's syntax, and everything is escaped."""
    body = '"><script>'
    config = {"NOTIFY_ME_MODAL__BODY_CONTENT": body, "NOTIFY_ME_PAGE__BLOCK": "content"}
    app = make_shop(tmp_path, sandbox, NOTIFY_ME_PAGE__TEMPLATE="layout.html", **config)
    for name, value in options.items():
        setattr(app.jinja_env, name, value)
    templates = {
        "layout.html": "Layout {% block head %}{% endblock %}{% block content %}{% endblock %}",
        "mug.html": "{{ notify_me_head() ~ notify_me(mug) }}",
    }
    (tmp_path / "templates").mkdir()
    for name, source in templates.items():
        if options is BRACKETS:
            source = source.translate(str.maketrans("{}", "[]"))
        (tmp_path / "templates" / name).write_text(source)
    mug = next(variant for variant in small_catalog().variants.values() if not variant.options)
    app.add_url_rule("/mug", view_func=lambda: render_template("mug.html", mug=mug))
    shopper = app.test_client()

    button = shopper.get("/mug")
    dialog = shopper.get(FORM, headers=ELEMENT)
    page = shopper.get(FORM)

    assert 'class="notify-me__button" href="/notify-me/' in button.text
    assert '<dialog class="notify-me__dialog' in dialog.text
    assert page.text.startswith("Layout")
    for reply in (dialog, page):
        assert "&#34;&gt;&lt;script&gt;" in reply.text
        assert body not in reply.text
        assert not re.search(r"\{\{|\{%", reply.text)


def test_shop_with_its_own_rule_for_escaping(tmp_path: Path, sandbox: Sandbox) -> None:
    """It covers only templates with a name, which those from strings don't have."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "base.html").write_text(
        "{% block head %}{% endblock %}{% block content %}{% endblock %}"
    )
    body = '"><script>'
    config = {"NOTIFY_ME_MODAL__BODY_CONTENT": body, "NOTIFY_ME_PAGE__BLOCK": "content"}
    app = make_shop(tmp_path, sandbox, **config)
    app.jinja_env.autoescape = lambda name: name is not None and name.endswith(".html")

    page = app.test_client().get(FORM)

    assert 'name="description" content="&#34;&gt;&lt;script&gt;"' in page.text
    assert body not in page.text


def test_static_files_have_a_version(tmp_path: Path, sandbox: Sandbox) -> None:
    """Browsers may cache this shop's static files for a year."""
    app = make_shop(tmp_path, sandbox, SEND_FILE_MAX_AGE_DEFAULT=365 * 24 * 3600)
    shopper = app.test_client()

    urls = re.findall(r'"(/notify-me/static/[^"]+)"', shopper.get(FORM).text)
    assert urls
    for url in urls:
        with shopper.get(url) as file:
            assert url.endswith(f"?v={sha256(file.data).hexdigest()[:12]}")


def test_flask_limiter_next_to_the_kits_database(tmp_path: Path, sandbox: Sandbox) -> None:
    """Both read `RATELIMIT_STORAGE_URI`, but only the kit knows this value."""
    limits = {"RATELIMIT_STORAGE_URI": "database", "RATELIMIT_ENABLED": True}
    app = make_shop(tmp_path, sandbox, **limits)
    Limiter(get_remote_address, app=app, storage_uri="memory://", default_limits=["2 per hour"])
    shopper = app.test_client()

    statuses = [shopper.post(FORM, data=SIGN_UP).status_code for _ in range(3)]

    assert statuses == [303, 303, 429]
