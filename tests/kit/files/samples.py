"""Files for tests: the smallest genuine file of each type, larger and false ones, and letters that contain them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import httpx

from openers.files.scanning import EICAR
from openers.usecases.files.scan_file import scan_file
from openers.usecases.files.upload_file import SCAN
from openers.usecases.ports.transaction import DueItem
from tests.kit.service.requests import CS, HEADERS, SD, Json, parameters_of, posted
from tests.kit.service.running import Running, entry

MOST: Final = 5_242_880
"""The largest file in bytes that A020 accepts and A006 returns (rules 4, A006 and A020)."""
WORD: Final = "application/msword"
WORD_XML: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Sample(NamedTuple):
    """A file: its name, its declared media type and its content."""

    name: str
    media_type: str
    content: bytes


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*more: bytes) -> bytes:
    """Return a PNG image of one pixel, with one metadata chunk for each value."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(b"\0\0"))
    extra = b"".join(_chunk(b"tEXt", b"Comment\0" + each) for each in more)
    return b"\x89PNG\r\n\x1a\n" + head + extra + pixels + _chunk(b"IEND", b"")


def zipped(parts: Mapping[str, bytes], comment: bytes = b"") -> bytes:
    """Return a zip archive of these parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.comment = comment
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


def word_xml(more: Mapping[str, bytes] | None = None, comment: bytes = b"") -> bytes:
    """Return a Word document with additional parts."""
    return zipped({**WORD_PARTS, **(more or {})}, comment)


def content_types(*kinds: str) -> bytes:
    """Return the content types of a document's parts, including additional types."""
    more = "".join(f'<Override PartName="/more{number}" ContentType="{kind}"/>' for number, kind in enumerate(kinds))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{WORD_XML}.main+xml"/>{more}</Types>'
    ).encode()


def relationships(*links: tuple[str, str, str]) -> bytes:
    """Return the relationships of one part. Each has the last word of its type, the target and the mode."""
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    each = "".join(
        f'<Relationship Id="r{number}" Type="{base}/{kind}" Target="{target}" TargetMode="{mode}"/>'
        for number, (kind, target, mode) in enumerate(links)
    )
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="{namespace}">{each}</Relationships>'.encode()


WORD_PARTS: Final = {
    "[Content_Types].xml": content_types(),
    "_rels/.rels": relationships(("officeDocument", "word/document.xml", "Internal")),
    "word/document.xml": b"<document/>",
}
"""The parts of the smallest Word document."""


def ole(*names: str) -> bytes:
    """Return an Office document in the older format with parts of these names."""
    entries = b"".join(each.encode("utf-16-le").ljust(64, b"\0") + bytes(64) for each in ("Root Entry", *names))
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + entries


_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n"
    b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n101\n%%EOF\n"
)
_GIF: Final = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
_JPEG: Final = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xda\0\x08\x01\x01\0\0?\0\xd2\xcf\xff\xd9"
_TIFF: Final = b"II*\0\x08\0\0\0\x01\0\x00\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0"
_AU: Final = b".snd" + struct.pack(">IIIII", 24, 8, 1, 8000, 1) + b"\xff" * 8
_DICOM: Final = bytes(128) + b"DICM\x02\0\0\0UL\x04\0\0\0\0\0"

SAMPLES: Final = (
    Sample("letter.txt", "text/plain", b"Dear colleague, \xc2\xa3 and \xe2\x82\xac.\r\n"),
    Sample("letter.pdf", "application/pdf", _PDF),
    Sample("letter.xml", "text/xml", b'<?xml version="1.0" encoding="UTF-8"?>\n<letter><to>A</to></letter>\n'),
    Sample("letter.rtf", "text/rtf", rb"{\rtf1\ansi Dear colleague}"),
    Sample("letter.rtx", "text/rtf", rb"{\rtf1\ansi Dear colleague}"),
    Sample("heart.au", "audio/basic", _AU),
    Sample("heart.mp3", "audio/mpeg", b"\xff\xfb\x90\0" + bytes(413)),
    Sample("scan.png", "image/png", png()),
    Sample("scan.gif", "image/gif", _GIF),
    Sample("scan.jpg", "image/jpeg", _JPEG),
    Sample("scan.jpe", "image/jpeg", _JPEG),
    Sample("scan.jpeg", "image/jpeg", _JPEG),
    Sample("scan.tif", "image/tiff", _TIFF),
    Sample("scan.tiff", "image/tiff", _TIFF),
    Sample("gait.mpg", "video/mpeg", b"\0\0\x01\xba" + bytes(10) + b"\0\0\x01\xb9"),
    Sample("gait.mpeg", "video/mpeg", b"\0\0\x01\xb3" + bytes(10) + b"\0\0\x01\xb7"),
    Sample("gait.mpe", "video/mpeg", b"\0\0\x01\xba" + bytes(10) + b"\0\0\x01\xb9"),
    Sample("letter.doc", WORD, ole("WordDocument")),
    Sample("letter.docx", WORD_XML, word_xml()),
    Sample("series.dcm", "application/dicom", _DICOM),
)
"""A genuine file for each accepted extension (rules 6)."""
LETTER: Final = SAMPLES[1]
INFECTED: Final = Sample("infected.txt", "text/plain", EICAR)
LYING: Final = Sample("lying.pdf", "application/pdf", b"No PDF at all\n")


async def upload(
    client: httpx.AsyncClient, file: Sample = LETTER, ubrn: str | None = None, name: str | None = None, **headers: str
) -> str:
    """Upload a file (A020); return its id."""
    reply = await sent(client, file, ubrn, name, headers)
    assert reply.status_code == 201, reply.text
    return reply.headers["location"].removeprefix("Binary/")


async def sent(
    client: httpx.AsyncClient,
    file: Sample = LETTER,
    ubrn: str | None = None,
    name: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Upload a file (A020); return the response."""
    meant = {} if ubrn is None else {"NHSD-eRS-Referral-ID": ubrn}
    described = {"NHSD-eRS-File-Name": name or file.name, "Content-Type": file.media_type, **meant, **(headers or {})}
    return await client.post("/STU3/Binary", content=file.content, headers=described)


def document(file: str, description: str | None = None, **changes: Any) -> Json:
    """Return the DocumentReference of a file."""
    described = {} if description is None else {"description": description}
    return {
        "resourceType": "DocumentReference",
        "meta": {"profile": [f"{SD}eRS-DocumentReference-1"]},
        "type": {"coding": [{"system": f"{CS}eRS-AttachmentType-1", "code": "REFERRER"}]},
        "status": "current",
        "indexed": datetime.now(UTC).isoformat(),
        **described,
        "content": [{"attachment": {"url": f"Binary/{file}"}}],
        **changes,
    }


def letter(*documents: Json | str) -> Json:
    """Return the body of A012 for these documents or file ids."""
    named = [document(each) if isinstance(each, str) else each for each in documents]
    return parameters_of("MaintainReferralLetter", [{"name": "referralLetterFile", "resource": each} for each in named])


def maintain(ubrn: str, version: int | str, *documents: Json | str) -> Json:
    """Return the keyword arguments of A012 for a client's `post`."""
    call = posted(f"/STU3/ReferralRequest/{ubrn}/$ers.maintainReferralLetter", letter(*documents))
    return {**call, "headers": {**HEADERS, "If-Match": f'W/"{version}"'}}


def documents_of(referral: Json) -> list[Json]:
    """Return the attachments of a referral, in order."""
    return [each for each in referral["contained"] if each["resourceType"] == "DocumentReference"]


def attachments_of(referral: Json) -> list[Json]:
    """Return the `attachment` element of each document of a referral."""
    return [each["content"][0]["attachment"] for each in documents_of(referral)]


def availability_of(referral: Json) -> list[str]:
    """Return the availability code of each file of a referral."""
    url = f"{SD}Extension-eRS-AvailabilityStatus-1"
    return [
        next(each["valueCoding"]["code"] for each in attachment["extension"] if each["url"] == url)
        for attachment in attachments_of(referral)
    ]


async def scan(run: Running, *files: str) -> None:
    """Scan the files, as the runner of due work does. Raise the errors of the job."""
    for file in files:
        item = DueItem(SCAN, file, datetime.now(UTC), 0)
        await scan_file(item, run.service.world.for_call(entry()))
