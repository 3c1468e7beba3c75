"""Forms that a browser has sent: read within limits, checked field by field, and shown again with their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from openers_web.csrf import FORM_TOKEN
from openers_web.parts.forms import Field

MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
MOST_BYTES: Final = 512 * 1024
MOST_FIELDS: Final = 500


class BadForm(Exception):
    """The body is no form, or too large; `status` is that of the reply, the text tells the user what to do."""

    def __init__(self, status: int, text: str) -> None:
        """Keep the status."""
        super().__init__(text)
        self.status = status


class Form:
    """Values by name, and the errors that were found in them."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        """Keep the pairs in the order in which they were sent."""
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
        self._errors: dict[str, str] = {}

    @property
    def errors(self) -> Mapping[str, str]:
        """Errors by the name of their field, in the order in which they were found."""
        return self._errors

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """All values but the form token, for a draft."""
        return [(name, value) for name, those in self._values.items() if name != FORM_TOKEN for value in those]

    def text(self, name: str) -> str:
        """Return the first value of a field without surrounding blanks; empty if it was not sent."""
        return self._values.get(name, [""])[0].replace("\r\n", "\n").strip()

    def texts(self, name: str) -> Sequence[str]:
        """Return all values of a field, for checkboxes."""
        return tuple(self._values.get(name, ()))

    def reject(self, name: str, error: str) -> None:
        """Record an error of a field, or of the whole form under an empty name. The first error of a field stays."""
        self._errors.setdefault(name, error)

    def required(self, name: str, error: str, at_most: int = 4000) -> str:
        """Return the text of a field that must be filled in; record `error` if it is empty."""
        value = self.text(name)
        if not value:
            self.reject(name, error)
        elif len(value) > at_most:
            self.reject(name, f"Use at most {at_most} characters. There are {len(value)}")
        return value

    def field(self, name: str, label: str, hint: str = "", otherwise: str = "") -> Field:
        """Return the field as it must be shown: with what was sent, else `otherwise`, and with its error."""
        value = self.text(name) if name in self._values else otherwise
        return Field(name, label, value, hint, self._errors.get(name, ""))


async def read_form(request: Request) -> Form:
    """Return the form in the body. Raises BadForm."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise BadForm(415, "Send the form of the page.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise BadForm(413, f"The form is too large. Send at most {MOST_BYTES // 1024} kB.")
    return parse_form(bytes(body))


def parse_form(body: bytes) -> Form:
    """Return the form in a body. Raises BadForm."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS, separator="&"
        )
    except ValueError as error:
        raise BadForm(400, "The form cannot be read. Reload the page and send it again.") from error
    return Form(pairs)
