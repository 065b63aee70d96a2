"""What calls bring: JSON bodies and query parameters, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeVar

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from engine import InvalidValues, values
from engine.bpmn.variables import check
from web.api.variables import moment_from, value_from

B = TypeVar("B", bound="Body")
NO_TENANTS = "there are no tenants here"


class Body(BaseModel):
    """Fields in camelCase; those that nobody knows are passed over, as other engines do."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")
    REFUSED: ClassVar[Mapping[str, str]] = {}
    """Fields that mean something elsewhere which cannot be done here -> what is; unsaid, they would mislead."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, told: Any) -> Any:
        """A field that is null says nothing."""
        if not isinstance(told, dict):
            return told
        said = {name: each for name, each in told.items() if each is not None}
        for name, why in cls.REFUSED.items():
            if said.get(name):
                raise ValueError(f"Expected no {name}: {why}.")
        return said


def body(kind: type[B]) -> B:
    """The JSON body, whatever type it tells. Raises BadRequest, UnsupportedMediaType, ValidationError."""
    if request.content_encoding not in (None, "", "identity"):
        raise UnsupportedMediaType(f"Expected a body as it is, but it is packed with {request.content_encoding:.60}.")
    sent = request.get_json(force=True, silent=True) if request.data else {}
    if not isinstance(sent, dict):
        raise BadRequest("Expected a JSON object as the body.")
    return kind.model_validate(sent)


def idempotency_key() -> str | None:
    """By which a second call of the same is known. Raises InvalidValues."""
    key = request.headers.get("Idempotency-Key") or None
    try:
        return key and values.fitting(key, LONGEST_KEY, "a key")
    except TypeError as cause:
        raise InvalidValues({"Idempotency-Key": str(cause)}) from cause


def asked(kind: type[B]) -> B:
    """The query parameters of this request, or its JSON body. Raises as body does."""
    return kind.model_validate(request.args.to_dict()) if request.method == "GET" else body(kind)


def _listed(told: Any) -> Any:
    """As a query parameter a list has commas."""
    return [each for each in told.split(",") if each] if isinstance(told, str) else told


def _values(told: Any) -> Any:
    if not isinstance(told, Mapping):
        raise ValueError("Expected an object of variables.")
    return {name: _kept(name, value_from(name, each)) for name, each in told.items()}


def _kept(name: str, value: Any) -> Any:
    """Raises ValueError for a name or value that no variable can have."""
    try:
        check({name: value})
    except TypeError as cause:
        raise ValueError(f'Expected variable "{name:.100}" to be one that can be stored, but: {cause}') from cause
    return value


def _storable(told: Any) -> Any:
    """Raises ValueError for a text that no column can hold."""
    try:
        return values.fitting(told, LONGEST_TEXT, "a text") if isinstance(told, str) else told
    except TypeError as cause:
        raise ValueError(str(cause)) from cause


LONGEST_TEXT = 4_000
"""Characters of a name, an id or a key."""
LONGEST_KEY = 255
MOST_LISTED = 10_000
MOST_ASKED = 20
"""Variables that a question names: each is one more table for the database to join."""
Text = Annotated[str, BeforeValidator(_storable)]
Id = Annotated[int, Field(ge=0, lt=2**63)]
Texts = Annotated[list[Text], BeforeValidator(_listed), Field(max_length=MOST_LISTED)]
Ids = Annotated[list[Id], BeforeValidator(_listed), Field(max_length=MOST_LISTED)]
Variables = Annotated[dict[str, Any], BeforeValidator(_values), Field(default_factory=dict)]
"""Typed values in, plain values out."""
Matching = Annotated[dict[str, Any], BeforeValidator(_values), Field(default_factory=dict, max_length=MOST_ASKED)]
"""The same, of those that somebody has who is looked for."""
Moment = Annotated[datetime, BeforeValidator(moment_from)]
Milliseconds = Annotated[int, Field(ge=0, le=10**12)]
Whole = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Count = Annotated[int, Field(ge=0, le=10**6)]
