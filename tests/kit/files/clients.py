"""Clients of a running service that upload and download a file in chunks, without loading it into memory."""

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
    """A GP who uses a running service."""

    def __init__(self, service: Live) -> None:
        """Log in as the GP."""
        self.gp = service.as_person(GP)
        self._port = service.port

    def headers(self, size: int | None = None) -> dict[str, str]:
        """Return the headers of an upload of `size` bytes."""
        named = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "letter.txt", **dict(self.gp.headers)}
        return named if size is None else {**named, "Content-Length": str(size)}

    @contextmanager
    def connected(self) -> Generator[HTTPConnection]:
        """Open a separate connection to the service."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=HANGS_AFTER_S)
        try:
            yield connection
        finally:
            connection.close()

    def upload(self, size: int, path: str = A020) -> str:
        """Upload a file of `size` bytes in chunks; return its id."""
        with self.connected() as connection:
            connection.request("POST", FHIR + path, body=text(size), headers=self.headers(size))
            reply = connection.getresponse()
            said = reply.read()
            assert reply.status == 201, said
            return str(reply.headers["location"]).removeprefix("Binary/")

    def upload_many(self, count: int, size: int, path: str) -> list[str]:
        """Upload `count` files at the same time; return their ids."""
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(self.upload, [size] * count, [path] * count))

    def status(self, file: str) -> int:
        """Return the status of a request for the download address of a file (A042)."""
        return self.gp.get(f"/R4/Binary/{file}").status_code

    @contextmanager
    def fetching(self, file: str) -> Generator[HTTPResponse]:
        """Follow the download address of a file; the body arrives only as the caller reads it."""
        address = self.gp.get(f"/R4/Binary/{file}").headers["location"]
        with self.connected() as connection:
            connection.request("GET", urlsplit(address).path)
            yield connection.getresponse()


def text(size: int) -> Iterable[bytes]:
    """Yield `size` bytes of text, in chunks."""
    whole, rest = divmod(size, len(PIECE))
    for _ in range(whole):
        yield PIECE
    yield PIECE[:rest]


class Memory:
    """Measure the memory of a process in MiB, now and at its peak."""

    def __init__(self, pid: int) -> None:
        """Measure the process with this id."""
        self._pid = pid

    def now(self) -> float:
        """Return the memory in use, in MiB."""
        return self._field("VmRSS")

    def peak(self) -> float:
        """Return the highest use in MiB since `forget_peak`."""
        return self._field("VmHWM")

    def forget_peak(self) -> None:
        """Start a new measurement of the peak."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")

    def _field(self, name: str) -> float:
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
