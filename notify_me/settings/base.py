"""The base model of all settings tables, and the field types they share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

TRANSLATED = {"shopper_text": "translated"}
"""Marks shopper-facing text in a field's JSON Schema: `[texts.<locale>]` can set it for one
language, and its default is translated in the kit's catalogs.
"""
UNTRANSLATED = {"shopper_text": "untranslated"}
"""Like `TRANSLATED`, but for text whose default exists in English only, such as legal wording."""
Pixels = Annotated[float, Field(json_schema_extra={"unit": "px"})]
CLASS_NAMES = "class names separated by spaces, such as btn btn--wide"
ELEMENT_ID = "an element ID without the #, such as buy-box"


class SettingsTable(BaseModel):
    """A table of `notify_me.toml`. It is immutable, and rejects unknown keys."""

    # building all tables when settings are read takes less time than building each one on import
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True
    )


def closest_match(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the most similar of `names` to a mistyped name, or None."""
    matches = difflib.get_close_matches(name[:100], list(names), n=1, cutoff=cutoff)
    return matches[0] if matches else None


def check_placeholders(text: str, known: Sequence[str]) -> str:
    """Return `text`; raise `ValueError` if it has a placeholder, such as `{brand}`, that is not
    one of the known names.
    """
    unknown = [name for name in re.findall(r"\{(\w+)\}", text) if name not in known]
    if unknown:
        names = ", ".join(f"{{{name}}}" for name in known)
        raise ValueError(f"unknown placeholder {{{unknown[0]}}}; the known ones are {names}")
    return text


def _class_names(text: str) -> str:
    # more than letters, digits and hyphens, because of Tailwind: md:w-1/2, !py-2.5, w-[20rem]
    if not all(re.fullmatch(r"[\w!@:[-][\w!@:[\]/.%#-]*", name) for name in text.split()):
        raise ValueError(f"must be {CLASS_NAMES}")
    return " ".join(text.split())


def _element_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w:.-]*|", text):
        raise ValueError(f"must be {ELEMENT_ID}")
    return text


ClassNames = Annotated[
    str,
    Field(max_length=200, json_schema_extra={"allowed": CLASS_NAMES}),
    AfterValidator(_class_names),
]
ElementID = Annotated[
    str,
    Field(max_length=100, json_schema_extra={"allowed": ELEMENT_ID}),
    AfterValidator(_element_id),
]
Label = Annotated[str, Field(min_length=1, max_length=80, json_schema_extra=TRANSLATED)]
"""Short shopper-facing text."""
OptionalLabel = Annotated[str, Field(max_length=80, json_schema_extra=TRANSLATED)]
"""Like `Label`, but may be empty."""
