"""What all request and resource models share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from app.domain.moment import in_utc
from app.domain.naming import collection_name, label, subject_name

#: In place of ``None``, of a member that is left out where it has no value, and never null.
Absent: TypeAlias = SkipJsonSchema[None]
Example: TypeAlias = Mapping[str, Any]


class Schema(BaseModel):
    """A document of the API: unknown members and numbers that are none are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    #: What the description sends as an example; without one, the required members alone.
    EXAMPLE: ClassVar[Example | None] = None


def _without_defaults(document: dict[str, Any]) -> None:
    for member in document["properties"].values():
        member.pop("default", None)


class Change(Schema):
    """A document of changes, in which what is absent stays as it is: no member has a default."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


CollectionName = Annotated[
    str,
    AfterValidator(collection_name),
    Field(
        description='1 to 100 printable characters without "/" or "\\", and no UUID.',
        examples=["staff"],
    ),
]
SubjectName = Annotated[
    str,
    AfterValidator(subject_name),
    Field(
        description='1 to 200 printable characters; no "." or ".." between slashes.',
        examples=["Ann"],
    ),
]
Label = Annotated[
    str,
    AfterValidator(label),
    Field(description="1 to 100 printable characters.", examples=["front door"]),
]
#: A code of the operator's: what has room for a sentence would come to hold names.
Code = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$",
        max_length=100,
        description="1 to 100 letters, digits and . _ : / -; put no personal data into it.",
        examples=["2026-05"],
    ),
]
Similarity = Annotated[float, Field(ge=-1, le=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
#: Taken with any offset, kept and shown in UTC with a Z.
Moment = Annotated[
    AwareDatetime,
    AfterValidator(in_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

#: Holds the longest name that an index of Postgres takes.
_LONGEST_TOKEN = 4096
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200


class PageQuery(Schema):
    """Where in a listing to go on, and how far."""

    page_size: Annotated[
        int,
        Field(
            ge=0,
            description=f"Items to return; more than {MAX_PAGE_SIZE} count as {MAX_PAGE_SIZE}, "
            f"0 as {DEFAULT_PAGE_SIZE}.",
        ),
    ] = DEFAULT_PAGE_SIZE
    page_token: Annotated[
        str | None,
        Field(max_length=_LONGEST_TOKEN, description="next_page_token of the page before."),
    ] = None

    @property
    def size(self) -> int:
        """The number of items that the caller gets at most."""
        return min(self.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


class Page(Schema):
    """What every page of a listing has beside its items."""

    next_page_token: Annotated[
        str | Absent, Field(description="Send as page_token; absent on the last page.")
    ] = None
