"""Read what an application wishes of a log-in: `prompt`, `max_age`, `login_hint` and `id_token_hint`.

Source: OpenID Connect Core chapter 3.1.2.1.
"""

from __future__ import annotations

import re
from typing import Final

from openers.api.oauth.browser import ClientRefusal
from openers.api.oauth.call import OAuthCall
from openers.api.oauth.reading import Parameters
from openers.domain.credentials import AuthorisationRequest
from openers.domain.identifiers import UserId
from openers.identity.errors import OAuthError
from openers.identity.id_tokens import InvalidIdToken, read_hint
from openers.identity.single_sign_on import NONE, PROMPTS, Wish

MAX_AGE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_wish(call: OAuthCall, request: AuthorisationRequest, asked: Parameters) -> Wish:
    """Return the wish of a verified client. Raises ClientRefusal if it makes no sense."""
    prompts, max_age = frozenset(asked.get("prompt", "").split()), asked.get("max_age")
    problem = ""
    if not prompts <= PROMPTS:
        problem = f"prompt must be one or more of: {', '.join(sorted(PROMPTS))}"
    elif NONE in prompts and len(prompts) > 1:
        problem = "prompt 'none' must not be sent with another value"
    elif max_age is not None and not MAX_AGE.fullmatch(max_age):
        problem = "max_age must be a number of seconds"
    if problem:
        raise ClientRefusal(request, OAuthError.INVALID_REQUEST, problem)
    return Wish(prompts, None if max_age is None else int(max_age), _person(call, request, asked))


def _person(call: OAuthCall, request: AuthorisationRequest, asked: Parameters) -> str:
    """Return the person whom the application expects; an empty text if it names none. Raises ClientRefusal."""
    if "id_token_hint" in asked:
        try:
            return str(read_hint(asked["id_token_hint"], call.deps.signing_key, call.issuer).user)
        except InvalidIdToken as error:
            raise ClientRefusal(request, OAuthError.INVALID_REQUEST, f"Invalid id_token_hint - {error}") from None
    try:
        return str(UserId(asked.get("login_hint", "")))
    except ValueError:
        return ""  # a hint in another form, such as an e-mail address, names no known person
