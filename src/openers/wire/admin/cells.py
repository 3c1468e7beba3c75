"""Write the fields of a record as one line of text each, for tables and commands, and read them back.

A list is written with semicolons, a pair of codes with a slash, and a role as `ODS:FUNCTION+FUNCTION`. Objects, and
lists that these signs would spoil, are JSON. An empty cell leaves a field out; `""` is the empty text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec
from msgspec import inspect

from openers.domain.administration.rights import Resource
from openers.wire.admin import records
from openers.wire.admin.translating import RECORDS

NOTHING: Final = '""'
"""The cell of an empty text, where an empty cell would mean another value."""
_BETWEEN: Final = ";"
_SPOILERS: Final = frozenset(';"[]{}\n\r')
_LISTS: Final = (inspect.FrozenSetType, inspect.SetType, inspect.ListType, inspect.VarTupleType)
_PLAIN: Final = (inspect.StrType, inspect.EnumType, inspect.LiteralType, inspect.DateType)


class UnreadableCell(ValueError):
    """A cell has no value of its field."""

    def __init__(self, field: str, cause: str) -> None:
        """Store field and cause."""
        super().__init__(f"{field}: {cause}")
        self.field, self.cause = field, cause


class _Form(NamedTuple):
    """How the values of a field are written and read. `read` raises ValueError."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]
    empty: Any = None
    """The value of an empty cell; `None` leaves the field out."""


def fields_of(resource: Resource) -> tuple[str, ...]:
    """Return the fields of a resource's records, in order; the first one is the key."""
    return RECORDS[resource].__struct_fields__


def record_of(resource: Resource, cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the record, as plain JSON, that a row of cells describes. Raises UnreadableCell."""
    forms, found = _FORMS[resource], dict[str, Any]()
    for name, text in cells.items():
        if name not in forms:
            raise UnreadableCell(name, f"{resource} have no such field; use {', '.join(forms)}")
        form = forms[name]
        if text == NOTHING:
            found[name] = ""
        elif text:
            try:
                found[name] = form.read(text)
            except ValueError as error:
                raise UnreadableCell(name, str(error)) from None
        elif form.empty is not None:
            found[name] = form.empty
    return found


def cells_of(resource: Resource, record: Mapping[str, Any]) -> dict[str, str]:
    """Return the cells of a record, which is plain JSON; `record_of` returns the same values."""
    return {name: _cell(form, record.get(name)) for name, form in _FORMS[resource].items()}


def _cell(form: _Form, value: Any) -> str:
    if value is None or value == form.empty:
        return ""
    return NOTHING if value == "" else form.write(value)


def _text(text: str) -> str:
    return text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the value is not JSON: {error}") from None


def _number_or_text(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("write true or false")
    return text == "true"


def _is_json(text: str) -> bool:
    return text.startswith(("[", "{"))


def _write_list(values: list[Any]) -> str:
    if any(_SPOILERS & set(each) or each != each.strip() or not each for each in values):
        return _json(values)
    return "; ".join(values) if values else "[]"


def _read_list(text: str) -> Any:
    return _read_json(text) if _is_json(text) else [each.strip() for each in text.split(_BETWEEN)]


def _write_pairs(values: list[list[str]]) -> str:
    texts = ["/".join(each) for each in values]
    return _json(values) if any(each.count("/") > 1 for each in texts) else _write_list(texts)


def _read_pairs(text: str) -> Any:
    if _is_json(text):
        return _read_json(text)
    return [each.strip().split("/") for each in text.split(_BETWEEN)]


def _write_roles(roles: list[dict[str, Any]]) -> str:
    if not roles or any(role.get("from_claims") for role in roles):
        return _json(roles)
    return "; ".join(f"{role['organisation']}:{'+'.join(role['functions'])}" for role in roles)


def _read_roles(text: str) -> Any:
    if _is_json(text):
        return _read_json(text)
    found: list[dict[str, Any]] = []
    for each in text.split(_BETWEEN):
        organisation, colon, functions = each.strip().partition(":")
        if not colon:
            raise ValueError(f"the role {each.strip()} is not written as ODS:FUNCTION")
        found.append({"organisation": organisation, "functions": [name.strip() for name in functions.split("+")]})
    return found


def _form(kind: inspect.Type) -> _Form:
    """Return the form of a field's type."""
    if isinstance(kind, inspect.Metadata):
        return _form(kind.type)
    if isinstance(kind, inspect.UnionType):
        return _of_union([each for each in kind.types if not isinstance(each, inspect.NoneType)])
    if isinstance(kind, _PLAIN):
        return _Form(_text, _text)
    if isinstance(kind, inspect.BoolType):
        return _Form(_json, _bool)
    if isinstance(kind, inspect.IntType):
        return _Form(str, _number_or_text)
    if isinstance(kind, _LISTS):
        return _of_list(cast("inspect.FrozenSetType", kind).item_type)
    return _Form(_json, _read_json)


def _of_union(kinds: list[inspect.Type]) -> _Form:
    """Return the form of an optional value, or of one that is a number or a text."""
    return _form(kinds[0]) if len(kinds) == 1 else _Form(str, _number_or_text)


def _of_list(item: inspect.Type) -> _Form:
    while isinstance(item, inspect.Metadata):
        item = item.type
    if isinstance(item, _PLAIN):
        return _Form(_write_list, _read_list)
    if isinstance(item, inspect.TupleType):
        return _Form(_write_pairs, _read_pairs)
    if isinstance(item, inspect.StructType) and item.cls is records.PersonRole:
        return _Form(_write_roles, _read_roles)
    return _Form(_json, _read_json)


def _of_field(field: inspect.Field) -> _Form:
    """Return the form of a field. An empty cell is an empty list or text where that is the usual value."""
    form, default = _form(field.type), field.default
    is_list = form.write in (_write_list, _write_pairs, _write_roles)
    if is_list and (field.required or default in ((), frozenset())):
        return form._replace(empty=[])
    return form._replace(empty="") if default == "" else form


def _forms(of: type[msgspec.Struct]) -> dict[str, _Form]:
    described = cast("inspect.StructType", inspect.type_info(of))
    return {field.name: _of_field(field) for field in described.fields}


_FORMS: Final = {resource: _forms(of) for resource, of in RECORDS.items()}
