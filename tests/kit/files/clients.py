"""Clients of a live service that upload and fetch in pieces, at their own pace, without holding a file themselves."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.live import Live
from tests.kit.service.running import GP

MIB: Final = 1024 * 1024
FHIR: Final = "/referrals/FHIR"
A020: Final = "/STU3/Binary"
A039: Final = "/R4/Binary"
PIECE: Final = b"A line of a letter that goes on and on, as such letters do....\r\n" * 1024
"""64 KiB of text."""


class Desk:
    """A GP at a live service."""

    def __init__(self, service: Live) -> None:
        """Log in."""
        self.gp = service.as_person(GP)
        self._port = service.port

    def headers(self, size: int | None = None) -> dict[str, str]:
        """Those of an upload of so many bytes."""
        named = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "letter.txt", **dict(self.gp.headers)}
        return named if size is None else {**named, "Content-Length": str(size)}

    @contextmanager
    def connected(self) -> Generator[HTTPConnection]:
        """A connection of its own."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=HANGS_AFTER_S)
        try:
            yield connection
        finally:
            connection.close()

    def upload(self, size: int, path: str = A020) -> str:
        """The id of an uploaded file of so many bytes, sent piece by piece."""
        with self.connected() as connection:
            connection.request("POST", FHIR + path, body=text(size), headers=self.headers(size))
            reply = connection.getresponse()
            said = reply.read()
            assert reply.status == 201, said
            return str(reply.headers["location"]).removeprefix("Binary/")

    def upload_many(self, count: int, size: int, path: str) -> list[str]:
        """So many at once."""
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(self.upload, [size] * count, [path] * count))

    def status(self, file: str) -> int:
        """What is answered to somebody who wants the address of a file (A042)."""
        return self.gp.get(f"/R4/Binary/{file}").status_code

    @contextmanager
    def fetching(self, file: str) -> Generator[HTTPResponse]:
        """The reply to whoever follows the address of a file; as much of it is taken as is read."""
        address = self.gp.get(f"/R4/Binary/{file}").headers["location"]
        with self.connected() as connection:
            connection.request("GET", urlsplit(address).path)
            yield connection.getresponse()


def text(size: int) -> Iterable[bytes]:
    """So many bytes of text, in pieces."""
    whole, rest = divmod(size, len(PIECE))
    for _ in range(whole):
        yield PIECE
    yield PIECE[:rest]


class Memory:
    """What a process holds, in MiB, and the most that it has held."""

    def __init__(self, pid: int) -> None:
        """Of the process with this id."""
        self._pid = pid

    def now(self) -> float:
        """What it holds."""
        return self._field("VmRSS")

    def peak(self) -> float:
        """The most since `forget_peak`."""
        return self._field("VmHWM")

    def forget_peak(self) -> None:
        """Measure the peak from now on."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")

    def _field(self, name: str) -> float:
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
