"""A browser without scripts: it follows links, fills forms in and keeps cookies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx


@dataclass
class ShownForm:
    """A form of a page: where it goes, its fields as the page fills them, and its buttons by text."""

    method: str
    action: str
    is_multipart: bool
    fields: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    choices: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Name and value of each option of a drop-down list, radio button and checkbox."""


class _Reader(HTMLParser):
    """Collects links, forms and text."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.forms: list[ShownForm] = []
        self.text: list[str] = []
        self._link = self._button = self._select = self._area = None
        self._said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        form = self.forms[-1] if self.forms else None
        if tag == "form":
            multipart = at.get("enctype") == "multipart/form-data"
            self.forms.append(ShownForm(at.get("method", "get").lower(), at.get("action", ""), multipart))
        elif tag in ("a", "button"):
            self._said = []
            self._link, self._button = (at.get("href"), None) if tag == "a" else (None, at)
        elif form is None:
            return
        elif tag == "input" and at.get("type") not in ("file", "submit"):
            if at.get("type") in ("radio", "checkbox"):
                form.choices.append((at.get("name", ""), at.get("value", "")))
            if at.get("type") not in ("radio", "checkbox") or "checked" in at:
                form.fields.append((at.get("name", ""), at.get("value", "")))
        elif tag == "textarea":
            self._said, self._area = [], at.get("name", "")
        elif tag == "select":
            self._select = at.get("name", "")
        elif tag == "option" and self._select:
            form.choices.append((self._select, at.get("value", "")))
            if "selected" in at:
                form.fields.append((self._select, at.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        said = " ".join("".join(self._said).split())
        if tag == "a" and self._link is not None:
            self.links.append((said, self._link))
            self._link = None
        elif tag == "button" and self._button is not None and self.forms:
            self.forms[-1].buttons[said] = (self._button.get("name", ""), self._button.get("value", ""))
            self._button = None
        elif tag == "textarea" and self._area and self.forms:
            self.forms[-1].fields.append((self._area, "".join(self._said).removeprefix("\n")))
            self._area = None

    def handle_data(self, data: str) -> None:
        self._said.append(data)
        self.text.append(data)


class Walker:
    """A user at a browser without scripts."""

    def __init__(self, base: str) -> None:
        """Begin at `base` without cookies."""
        self._http = httpx.Client(follow_redirects=True, timeout=60)
        self._base = base
        self.go("/")

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def go(self, path: str) -> None:
        """Open a page."""
        self._take(self._http.get(urljoin(self._base, path), headers={"sec-fetch-site": "none"}))

    def post(self, path: str, **values: str) -> None:
        """Send a form to an address, without a page that has it."""
        headers = {"sec-fetch-site": "same-origin"}
        self._take(self._http.post(urljoin(self._base, path), data=values, headers=headers))

    def follow(self, text: str) -> None:
        """Follow the first link whose text begins so."""
        self.go(next(urljoin(str(self.reply.url), href) for said, href in self._read.links if said.startswith(text)))

    def send(self, button: str, /, **values: str | list[str]) -> None:
        """Fill in the form with this button, and press it."""
        self._send(button, None, values)

    def upload(self, button: str, file: tuple[str, bytes], **values: str | list[str]) -> None:
        """Fill in the form with this button, choose a file, and press the button."""
        self._send(button, file, values)

    def _send(self, button: str, file: tuple[str, bytes] | None, values: Mapping[str, str | list[str]]) -> None:
        form, (name, value) = next(
            (form, pair)
            for form in self._read.forms
            for text, pair in form.buttons.items()
            if text.startswith(button) and text != "Search"
        )
        given = {key: [each] if isinstance(each, str) else each for key, each in values.items()}
        fields = [(key, each) for key, each in form.fields if key not in given]
        fields += [(key, each) for key, those in given.items() for each in those]
        fields += [(name, value)] if name else []
        address = urljoin(str(self.reply.url), form.action)
        pairs: dict[str, list[str]] = {}
        for key, each in fields:
            pairs.setdefault(key, []).append(each)
        headers = {"sec-fetch-site": "same-origin"}
        if form.method == "get":
            self._take(self._http.get(address.partition("?")[0], params=pairs, headers=headers))
        elif file is not None:
            self._take(self._http.post(address, data=pairs, files={"file": file}, headers=headers))
        else:
            self._take(self._http.post(address, data=pairs, headers=headers))

    def log_in(self, user: str) -> None:
        """Log in as a person of the demo world."""
        name = next(key for form in self._read.forms for key, value in form.choices if value == user)
        self.send("Log in", **{name: user})

    def choices(self, name: str) -> list[str]:
        """Return the values that a control of the page offers."""
        return [value for form in self._read.forms for key, value in form.choices if key == name and value]

    def hidden(self, name: str) -> str:
        """Return the value of a hidden field of the page's last form."""
        return next(value for form in reversed(self._read.forms) for key, value in form.fields if key == name)

    @property
    def buttons(self) -> list[str]:
        """Return the texts of all buttons."""
        return [text for form in self._read.forms for text in form.buttons]

    @property
    def role(self) -> str:
        """Return the beginning of the addresses of the role: that of the page, or the first one to choose."""
        paths = [self.reply.url.path, *(href for _, href in self._read.links)]
        return next("/".join(path.split("/")[:3]) for path in paths if path.startswith("/as/"))

    @property
    def text(self) -> str:
        """Return the text of the page, with single blanks."""
        return " ".join(" ".join(self._read.text).split())

    @property
    def path(self) -> str:
        """Return the path of the page."""
        return self.reply.url.path

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies."""
        return {each.name: each.value or "" for each in self._http.cookies.jar}

    @property
    def links(self) -> list[str]:
        """Return the texts of all links."""
        return [said for said, _ in self._read.links]

    def _take(self, reply: httpx.Response) -> None:
        self.reply = reply
        self._read = _Reader()
        self._read.feed(reply.text if "html" in reply.headers.get("content-type", "") else "")
        _, _, following = reply.headers.get("refresh", "").partition("url=")
        if following:
            self.go(following)
