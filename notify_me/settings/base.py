"""What every group of settings is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, in words that follow "must be", where its type doesn't tell."""

    words: str


@dataclass(frozen=True, slots=True)
class Words:
    """Marks what shoppers read, and the links in it: `[texts.<locale>]` may set it by language."""

    translated: bool = True
    """Whether the default is in the kit's catalogs; legal texts ship in English alone."""


CLASS_NAMES = "class names with spaces between them, such as btn btn--wide"
ELEMENT_ID = "the id of an element, such as buy-box, without #"


class Group(BaseModel):
    """A table of `notify_me.toml`. Unknown keys are refused, and nothing changes it later."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def only_placeholders(text: str, known: Sequence[str]) -> str:
    """`text`, if every placeholder such as `{brand}` is known; raises `ValueError` otherwise."""
    unknown = [name for name in re.findall(r"\{(\w+)\}", text) if name not in known]
    if unknown:
        names = ", ".join(f"{{{name}}}" for name in known)
        raise ValueError(f"holds {{{unknown[0]}}}, which is none of {names}")
    return text


def _class_names(text: str) -> str:
    if not all(re.fullmatch(r"-?[A-Za-z_][\w-]*", name) for name in text.split()):
        raise ValueError(f"must be {CLASS_NAMES}")
    return " ".join(text.split())


def _element_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w:.-]*|", text):
        raise ValueError(f"must be {ELEMENT_ID}")
    return text


ClassNames = Annotated[
    str, Field(max_length=200), AfterValidator(_class_names), Allowed(CLASS_NAMES)
]
"""Names for `class`, or none."""
ElementID = Annotated[str, Field(max_length=100), AfterValidator(_element_id), Allowed(ELEMENT_ID)]
"""An element's `id`, or none."""
