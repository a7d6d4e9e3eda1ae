"""What every group of settings is made of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Group(BaseModel):
    """A table of `notify_me.toml`. Unknown keys are refused, and nothing changes it later."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _class_names(text: str) -> str:
    if not all(re.fullmatch(r"-?[A-Za-z_][\w-]*", name) for name in text.split()):
        raise ValueError("must be class names with spaces between them, such as btn btn--wide")
    return " ".join(text.split())


def _element_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w:.-]*|", text):
        raise ValueError("must be the id of an element, such as buy-box, without #")
    return text


ClassNames = Annotated[str, Field(max_length=200), AfterValidator(_class_names)]
"""Names for `class`, or none."""
ElementID = Annotated[str, Field(max_length=100), AfterValidator(_element_id)]
"""An element's `id`, or none."""
