"""Renders the Studio's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Response, current_app, make_response, render_template, url_for

from notify_me import studio
from notify_me.settings import Settings

from ..base import headers
from ..base.brand import stored_brand
from . import looks, preview, publishing
from .changes import CHANGEABLE_TABLES, as_toml, check, differences, wording_in
from .controls import FONTS, controls, name_of
from .presets import brand_preset, current_preset, presets
from .sections import as_json, build_sections, label, values_of
from .snippets import Report

MAX_SWATCHES = 8
"""The number of brand colours that each colour control offers."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Input that hasn't been applied, and messages. The page shows both with the current look."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """The values that were entered, by dotted key."""
    problems: Mapping[str, str] = field(default_factory=dict)
    snippet: str = ""
    snippet_problem: str = ""
    report: Report | None = None
    offered_look: str = ""
    """The ID of a look from a link on another site, which the visitor may accept."""
    ineffective: Sequence[str] = ()
    """Keys of published settings that have no effect, because they are also set elsewhere."""
    expired: bool = False
    """Whether the requested look no longer exists."""


def render_page(
    history: looks.History,
    changes: Mapping[str, Any],
    fields: Mapping[str, str],
    draft: Draft | None = None,
) -> Response:
    """Render the Studio for a look with `changes`, and the preview that `fields` select.

    The status is 422 for a draft with errors, and 404 for an expired look.
    """
    draft = draft or Draft()
    checked = check(changes)
    merchant_settings = studio.shop_settings()
    settings = checked.settings or merchant_settings
    # a saved look may have become invalid because the merchant's settings have changed
    problems = draft.problems or checked.problems
    values, merchant_values = values_of(settings), values_of(merchant_settings)
    field_values = {**values, **({} if checked.settings else changes), **draft.values}
    products = preview.sold_out_products()
    options = preview.PreviewOptions.of(fields, products, settings.languages.offered)
    if draft.problems:
        # show the fields of the language in which something was entered
        for control in controls():
            if control.language and control.key in draft.values:
                options = replace(options, language=control.language)
                break
    wording = wording_in(settings, options.language)
    is_only_language = len(settings.languages.offered) == 1
    has_own_wording = any(values[key] for key in wording)
    if is_only_language and not has_own_wording and not studio.untranslated_warnings(settings):
        # a single language needs no sections of its own: the other sections set its wording
        wording = {}
    sections = build_sections(
        field_values,
        merchant_values,
        problems,
        checked.warnings,
        wording,
        studio.contrasts(settings),
    )
    if any(section.errors and not section.is_basic for section in sections):
        options = replace(options, level="advanced")
    shown_keys = {field.control.key for section in sections for field in section.fields}
    html = render_template(
        "studio/studio.html",
        sections=sections,
        rendered=as_json(values),
        changed=differences(settings, merchant_settings),
        draft=draft,
        imported_title=studio.TITLES["imported"],
        error_count=len(problems),
        current_preset=current_preset(values, merchant_values),
        general_problems=[text for key, text in problems.items() if key not in shown_keys],
        warnings=list(checked.warnings),
        presets=presets().values(),
        brand_preset=brand_preset(),
        can_read_brand=bool(current_app.config.get("KLAVIYO_PRIVATE_KEY")),
        brand_colors=_brand_colors(),
        look=history.look,
        history=history,
        options=options,
        products=products,
        states=preview.STATES,
        widths=preview.WIDTHS,
        schemes=preview.SCHEMES,
        levels=preview.LEVELS,
        fonts=FONTS,
        labels={control.key: label(control) for control in controls()},
        can_unpublish=publishing.can_undo(),
        languages={language: name_of(language) for language in settings.languages.offered},
        permalink=url_for("studio.show", look=history.look, _external=True),
        toml=settings_file(settings),
        template_snippet=template_snippet(settings, merchant_settings),
        fixed_tables=[name for name in Settings.model_fields if name not in CHANGEABLE_TABLES],
    )
    invalid = bool(draft.problems or draft.snippet_problem)
    response = make_response(html, 422 if invalid else 404 if draft.expired else 200)
    response.headers["Content-Security-Policy"] = headers.csp(frame_src="'self'")
    return response


def _brand_colors() -> dict[str, str]:
    """Return the first colours of the merchant's brand by name, for the colour controls."""
    stored = stored_brand()
    return dict(list(stored.colors.items())[:MAX_SWATCHES]) if stored else {}


def settings_file(settings: Settings) -> str:
    """Return the complete `notify_me.toml`; if tomlkit is missing, a comment that says how to
    install it.
    """
    try:
        return as_toml(settings)
    except studio.MissingExtraError as error:
        return f"# {error}\n"


def template_snippet(settings: Settings, merchant_settings: Settings) -> str:
    """Return the Jinja call for one place in a template, with the options that differ from the
    merchant's settings.
    """

    def options(source: Settings) -> dict[str, str | bool]:
        return {
            "label": source.button.label,
            "display": source.button.display,
            "inline": source.modal.presentation == "inline",
        }

    merchant_options = options(merchant_settings)
    arguments = ["variant"]
    for name, value in options(settings).items():
        if value != merchant_options[name]:
            arguments.append(f"{name}={_jinja_literal(value)}")
    return f"{{{{ notify_me({', '.join(arguments)}) }}}}"


def _jinja_literal(value: str | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
