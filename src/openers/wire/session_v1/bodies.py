"""The bodies of A001 and A002. Elements that do not count are ignored, as clients send very different ones.

Source: ADR 0072.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.directory import User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction
from openers.domain.sessions.professional import (
    Permission,
    ProfessionalSession,
    Selection,
    SessionFault,
    SessionRefused,
)
from openers.wire.json import Json, JsonValue, MalformedJson, encode, parse_any

TYPE: Final = "uk.nhs.ers.xapi.dto.v1.session.ProfessionalSession"
_CLINICIAN: Final = ("onBehalfOf", "onBehalfOfUser")
"""Elements that name the clinician for whom somebody acts."""
_TITLES: Final = frozenset({"Dr", "Miss", "Mr", "Mrs", "Ms", "Mx", "Prof", "Professor", "Sister", "Sir"})


def read_token(body: bytes) -> str:
    """Return the log-in token in a body of A001. Raises SessionRefused."""
    token = _object(body).get("token")
    if not isinstance(token, str) or not token.strip():
        raise _invalid("token is missing: send the token of the smartcard session as a text.")
    return token


def read_selection(body: bytes, in_query: str | None) -> Selection:
    """Return what a body of A002 chooses; `in_query` is the clinician in the address. Raises SessionRefused."""
    sent = _object(body)
    token = sent.get("token")
    if token is not None and not isinstance(token, str):
        raise _invalid("token must be a text.")
    named = next((sent[name] for name in _CLINICIAN if sent.get(name) is not None), in_query)
    return Selection(
        permission=_permission(sent.get("permission")),
        on_behalf_of=_user_id(named),
        names_clinician=named is not None,
        token=token or "",
    )


def write_session(
    session: ProfessionalSession,
    permissions: Sequence[Permission],
    people: tuple[User, Sequence[User], User | None],
    *,
    token: str,
    names: dict[OdsCode, str],
) -> bytes:
    """Return the session as JSON.

    `people` are its holder, the clinicians for whom the holder may act, and the one for whom they act. `names` are
    those of the organisations.
    """
    user, clinicians, acting_for = people
    shown: Json = {
        "typeInfo": TYPE,
        "id": session.id,
        "token": token or None,
        "user": {**_person(user), "permissions": [_shown(each, names) for each in permissions]},
        "permission": None if session.permission is None else _shown(session.permission, names),
    }
    if clinicians:
        shown["onBehalfOfUsers"] = [_person(each) for each in clinicians]
    if acting_for is not None:
        shown["onBehalfOf"] = _person(acting_for)
    return encode(shown)


def _object(body: bytes) -> Json:
    try:
        sent = parse_any(body)
    except MalformedJson as error:
        raise _invalid(f"The body {error.reason}.") from error
    if not isinstance(sent, dict):
        raise _invalid("The body must be a JSON object.")
    return sent


def _permission(sent: JsonValue) -> Permission | None:
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise _invalid("permission must be an object.")
    function, organisation = sent.get("businessFunction"), sent.get("orgIdentifier")
    if not isinstance(function, str) or function not in set(BusinessFunction):
        raise _invalid("permission.businessFunction must be a business function, such as REFERRING_CLINICIAN.")
    try:
        return Permission(OdsCode(organisation if isinstance(organisation, str) else ""), BusinessFunction(function))
    except ValueError as error:
        raise _invalid(f"permission.orgIdentifier must be {OdsCode.shape}.") from error


def _user_id(sent: JsonValue) -> UserId | None:
    """Return a user's id, sent as a text or as an object; `None` if it is in another form."""
    named = sent.get("identifier") if isinstance(sent, dict) else sent
    try:
        return UserId(named.strip()) if isinstance(named, str) else None
    except ValueError:
        return None


def _shown(permission: Permission, names: dict[OdsCode, str]) -> Json:
    return {
        "businessFunction": permission.function,
        "orgIdentifier": permission.organisation,
        "orgName": names.get(permission.organisation, permission.organisation),
    }


def _person(user: User) -> Json:
    """Return a person. The last word of a name is the last name, words between are middle names, a title is none."""
    words = user.name.split()
    first, *rest = (words[1:] if words[:1] and words[0].rstrip(".") in _TITLES else words) or [""]
    return {
        "identifier": user.id,
        "firstName": first,
        "lastName": rest[-1] if rest else "",
        "middleName": " ".join(rest[:-1]) or None,
    }


def _invalid(text: str) -> SessionRefused:
    return SessionRefused(SessionFault.VALIDATION_FAILED, text)
