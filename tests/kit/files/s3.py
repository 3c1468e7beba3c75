"""A local S3 server (moto) in its own process, and direct access to its buckets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final
from urllib.parse import unquote
from uuid import uuid4

import httpx

from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import free_port

ACCESS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
"""The environment variables that an S3 client requires. The server does not check them."""


class Bucket:
    """A bucket of the server at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        """Create the bucket."""
        self.endpoint, self.name = endpoint, f"files-{uuid4()}"
        httpx.put(f"{endpoint}/{self.name}", timeout=HANGS_AFTER_S).raise_for_status()

    @property
    def url(self) -> str:
        """Return the address of the bucket for the service's settings."""
        return f"s3://{self.name}/files"

    def names(self) -> set[str]:
        """Return the names of the stored objects without the service's prefix."""
        address = f"{self.endpoint}/{self.name}?list-type=2"
        listed = httpx.get(address, timeout=HANGS_AFTER_S).raise_for_status().text
        return {unquote(each).removeprefix("files/") for each in re.findall("<Key>(.*?)</Key>", listed)}

    def put(self, name: str, content: bytes) -> None:
        """Write an object directly, without the service."""
        address = f"{self.endpoint}/{self.name}/files/{name}"
        httpx.put(address, content=content, timeout=HANGS_AFTER_S).raise_for_status()

    def lose(self) -> None:
        """Make the server forget this bucket and all others."""
        httpx.post(f"{self.endpoint}/moto-api/reset", timeout=HANGS_AFTER_S).raise_for_status()


@contextmanager
def s3_server() -> Generator[str]:
    """Run the server; yield its address and stop it at the end."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        until(partial(_answers, endpoint), "the S3 server does not answer", partial(_pause, process))
        yield endpoint
    finally:
        process.kill()
        process.wait()


def _pause(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for this time; raise AssertionError if the process ends."""
    with suppress(subprocess.TimeoutExpired):
        raise AssertionError(f"the S3 server ended with {process.wait(seconds)}")


def _answers(endpoint: str) -> bool:
    try:
        return httpx.get(endpoint, timeout=HANGS_AFTER_S).status_code == 200
    except httpx.TransportError:
        return False
