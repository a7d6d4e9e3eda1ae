"""The Studio's page, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Response, make_response, render_template, url_for

from notify_me import studio
from notify_me.settings import Settings

from ..base import headers
from . import looks, shown
from .changes import CHANGEABLE, as_toml, check, differing, in_language
from .controls import controls, words
from .presets import presets, worn
from .sections import sections, values_of
from .snippets import Report


@dataclass(frozen=True, slots=True)
class Draft:
    """What the page's fields hold, where that differs from the visitor's look."""

    typed: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    snippet: str = ""
    snippet_problem: str = ""
    report: Report | None = None
    offered: str = ""
    """A look that somebody shares with this visitor, not taken yet."""
    missing: bool = False
    """Whether the look that was asked for is kept no longer."""


def page(
    history: looks.History,
    changes: Mapping[str, Any],
    given: Mapping[str, str],
    draft: Draft | None = None,
) -> Response:
    """The Studio with the look at which the history stands, and the preview that `given` asks for.

    404 where a look is missing, 422 for a draft with errors.
    """
    draft = draft or Draft()
    name = history.look
    checked = check(changes)
    merchant_settings = studio.merchant_settings()
    settings = checked.settings or merchant_settings
    # a look that no longer goes with the merchant's settings is told like one just typed
    problems = draft.problems or checked.problems
    held = values_of(settings)
    shown_values = {**held, **({} if checked.settings else changes), **draft.typed}
    products = shown.products()
    view = shown.Shown.of(given, products, settings.languages.offered)
    # what was refused stays in its field, and so the fields that were sent stay
    if draft.problems and (sent := _language(draft.typed)):
        view = replace(view, language=sent)
    before = values_of(merchant_settings)
    spoken = in_language(settings, view.language)
    if len(settings.languages.offered) == 1 and not any(held[key] for key in spoken):
        # with one language, the words above are all there are
        spoken = {}
    panel = sections(shown_values, before, problems, checked.warnings, spoken)
    keys = {each.control.key for section in panel for each in section.fields}
    text = render_template(
        "studio/studio.html",
        sections=panel,
        changed=differing(settings, merchant_settings),
        draft=draft,
        taken=studio.TITLES["taken"],
        wrong=len(problems),
        worn=worn(held, before),
        general=[each for key, each in problems.items() if key not in keys],
        warnings=list(checked.warnings.values()),
        presets=presets().values(),
        look=name,
        history=history,
        view=view,
        products=products,
        states=shown.STATES,
        widths=shown.WIDTHS,
        schemes=shown.SCHEMES,
        languages={each: words(each) for each in settings.languages.offered},
        permalink=url_for("studio.show", look=name, _external=True),
        toml=toml(settings),
        jinja=jinja(settings, merchant_settings),
        others=[each for each in Settings.model_fields if each not in CHANGEABLE],
    )
    bad = bool(draft.problems or draft.snippet_problem)
    response = make_response(text, 422 if bad else 404 if draft.missing else 200)
    response.headers["Content-Security-Policy"] = headers.policy(frame_src="'self'")
    return response


def _language(typed: Mapping[str, Any]) -> str | None:
    """The language whose own words were sent, if any were."""
    return next((each.language for each in controls() if each.language and each.key in typed), None)


def toml(settings: Settings) -> str:
    """The whole `notify_me.toml`; where that can't be written, how to come by it."""
    try:
        return as_toml(settings)
    except studio.MissingExtraError as error:
        return f"# {error}\n"


def jinja(settings: Settings, merchant_settings: Settings) -> str:
    """The call with what may differ for one place in a template, instead of in the file."""
    own, file = settings, merchant_settings
    options: list[tuple[str, str | bool, str | bool]] = [
        ("label", own.button.label, file.button.label),
        ("display", own.button.display, file.button.display),
        (
            "inline",
            own.modal.presentation == "inline",
            file.modal.presentation == "inline",
        ),
    ]
    given = "".join(f", {name}={_literal(now)}" for name, now, before in options if now != before)
    return f"{{{{ notify_me(variant{given}) }}}}"


def _literal(value: str | bool) -> str:
    """A value as Jinja writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
