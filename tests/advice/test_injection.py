"""Markup and scripts in messages and file names have no effect on pages or in PDFs.

The corpus contains scripts, event handlers, URL schemes, markup of other languages, and texts that escape from them.
The API stores and returns a message unchanged; it is cleaned for display.
"""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from openers.domain.advice import MessageText
from openers.paper.message_text import SCHEMES, TAGS, as_html, as_plain
from tests.kit.documents.pages import squeezed, text_of
from tests.kit.referrals.talk import Talk, texts_of
from tests.kit.referrals.words import said

pytestmark = pytest.mark.anyio

CORPUS: Final = (
    "<script>alert(1)</script>after",
    "<ScRiPt src=//x.example/a.js></sCrIpT>after",
    '<img src=x onerror="alert(1)">after',
    "<svg/onload=alert(1)>after",
    '<a href="javascript:alert(1)">link</a>',
    '<a href="java\tscript:alert(1)">link</a>',
    '<a href="  JaVaScRiPt&colon;alert(1)">link</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">link</a>',
    '<a href="vbscript:x">link</a>',
    '<a href="https://ok.example" onclick="alert(1)" style="x:expression(1)">link</a>',
    '<iframe src="https://x.example"></iframe>after',
    "<object data=x></object><embed src=x>after",
    "<style>@import 'https://x.example/a.css'</style>after",
    '<form action="https://x.example"><input name=a autofocus onfocus=alert(1)></form>after',
    '<math><mi xlink:href="javascript:alert(1)">m</mi></math>after',
    "<template><script>alert(1)</script></template>after",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">after',
    "<!--<img src=x onerror=alert(1)>-->after",
    "<![CDATA[<script>alert(1)</script>]]>after",
    "<meta http-equiv=refresh content='0;url=https://x.example'>after",
    "<base href='https://x.example/'>after",
    "</textarea></title></script><script>alert(1)</script>after",
    "<p>unclosed <b>bold <script>alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<<script>script>alert(1)<</script>/script>after",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    '#panic("x") #link("https://x.example")[here] $ #sys.inputs',
    "\\input{/etc/passwd} /JavaScript (app.alert(1)) /OpenAction /URI (https://x.example)",
    "\u202egnp.exe \ufeff \u2028",
)
ACTIVE: Final = ("/JavaScript", "/JS", "/OpenAction", "/AA", "/Launch", "/URI", "/SubmitForm", "/EmbeddedFile")
"""The names of PDF entries that make a PDF perform an action."""


class Found(HTMLParser):
    """The tags and attributes of a page, as an HTML parser finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def check_harmless(html: str) -> None:
    """Check that a page has only allowed tags. Only links have attributes, and they use allowed schemes."""
    found = Found()
    found.feed(html)
    for tag, attributes in found.tags:
        assert tag in TAGS, html
        assert attributes.keys() <= ({"href", "rel", "target"} if tag == "a" else set()), html
        href = attributes.get("href")
        assert href is None or href.partition(":")[0] in SCHEMES or ":" not in href, html


@pytest.mark.parametrize("text", CORPUS)
def test_nothing_active_survives_into_a_page(text: str) -> None:
    check_harmless(as_html(MessageText(text)))


FRAGMENTS: Final = st.sampled_from((*CORPUS, "<", ">", '"', "'", "&", "</a>", "<a href=", "script", "\n", " ", "x"))


@given(st.lists(FRAGMENTS | st.text(max_size=8), max_size=12).map("".join))
def test_nor_do_pieces_of_it_put_together(text: str) -> None:
    """Random combinations are harmless after cleaning, and a second cleaning changes nothing."""
    html = as_html(MessageText(text))
    check_harmless(html)
    assert as_html(MessageText(html)) == html


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Plain < 5 & > 3", "Plain < 5 & > 3"),
        (
            'See <a href="https://a.example/x" target="_blank">the leaflet</a>.',
            "See the leaflet (https://a.example/x).",
        ),
        ('<a href="https://a.example">https://a.example</a>', "https://a.example"),
        ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
        ("Line one\nLine two", "Line one\nLine two"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<script>alert(1)</script>", ""),
        ("a &lt;b&gt; c", "a <b> c"),
    ],
)
def test_paper_shows_what_was_meant(sent: str, shown: str) -> None:
    assert as_plain(MessageText(sent)) == shown


async def test_messages_come_back_as_they_were_sent(talk: Talk) -> None:
    """The API returns each message byte for byte as it was sent."""
    for text in CORPUS:
        advice = await talk.ask(said("request", text))
        assert texts_of((await talk.messages(advice)).json()) == [("REQUESTER", text)]


async def test_nothing_active_survives_into_the_pdf(talk: Talk) -> None:
    """No active content of messages, file names or review comments is in the PDFs of A043 and of a conversion."""
    advice = await talk.ask(said("request", CORPUS[0]))
    for text in CORPUS[1:]:
        advice = await talk.done(await talk.reply(advice, said("reply", text)))
    names = ("<img src=x onerror=alert(1)>&#.txt", "#panic(1) JavaScript (x).txt")
    for name in names:
        file = await talk.attach("requestAttachmentFile", "ADVICE_REQUEST", name, advice, talk.gp)
        advice = await talk.done(await talk.reply(advice, said("reply", "with a file"), file))
    anything = {"Accept": "*/*"}
    printed = await talk.gp.post(f"/STU3/CommunicationRequest/{advice['id']}/$ers.generateCRI", headers=anything)
    assert printed.headers["content-type"] == "application/pdf"
    assert f"{advice['id']}_Advice_And_Guidance_" in printed.headers["content-disposition"]
    converted = (await talk.convert(advice, said("guidance", CORPUS[2]), said("reviewComments", CORPUS[1]))).json()
    addresses = [
        each["content"][0]["attachment"]["url"]
        for each in converted["contained"]
        if each["resourceType"] == "DocumentReference"
    ]
    kept = await talk.consultant.get(f"/STU3/{addresses[0]}", headers=anything)
    for pdf in (printed.content, kept.content):
        objects = _objects_of(pdf)
        assert not [name for name in ACTIVE if f'"{name}"' in objects]
        shown = squeezed(text_of(pdf))
        for words in ("after", "{{7*7}}", '#panic("x")', squeezed("with a file"), "onerror=alert(1)>&#.txt"):
            assert words in shown


def _objects_of(pdf: bytes) -> str:
    """Return the names of all dictionary entries of a PDF, as JSON."""
    reader = PdfReader(io.BytesIO(pdf))
    keys: set[str] = set()
    for number in range(1, len(reader.xref_objStm) + sum(len(each) for each in reader.xref.values()) + 1):
        found = reader.get_object(number)
        if isinstance(found, DictionaryObject):
            keys |= set(map(str, cast("dict[str, Any]", found)))
    return json.dumps(sorted(keys))
