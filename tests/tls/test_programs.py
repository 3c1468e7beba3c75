"""curl, OpenSSL, Python and Java call a running service over TLS and mutual TLS, in one process and in two."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import pytest

from tests.kit.run.command import settings_in
from tests.kit.run.waiting import until
from tests.kit.service.certificates import Certificates, Pair
from tests.kit.service.live import PING, Live, free_port, live
from tests.kit.store.stores import PostgresServer

FHIR: Final = "/referrals/FHIR/STU3/CodeSystem/PRIORITY"
CONNECTIONS: Final = 12
"""New connections that surely reach both processes."""


class Running(NamedTuple):
    """A running service with TLS, and the certificate that it presents."""

    run: Live
    url: str
    own: Pair
    authorities: Certificates

    def client(self, pair: Pair | None = None, **headers: str) -> httpx.Client:
        """Return a client, with a certificate of its own if given."""
        context = ssl.create_default_context(cafile=str(self.authorities.files.trust))
        if pair is not None:
            context.load_cert_chain(*pair.one)
        return httpx.Client(base_url=self.url, verify=context, headers=headers, timeout=60)


@pytest.fixture(scope="module", params=["one process on SQLite", "two on PostgreSQL"])
def running(
    request: pytest.FixtureRequest,
    dev1: Certificates,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Running]:
    """Run a service in test mode with the files of these authorities."""
    folder = tmp_path_factory.mktemp("service")
    is_one = request.param.startswith("one")
    own = Pair(folder / "server.pem", folder / "server.key")
    replace(own, dev1.issue("localhost", 30, "127.0.0.1"))
    port = free_port()
    tls = {
        "OPENERS_TLS_CERTIFICATE": str(own.certificate),
        "OPENERS_TLS_KEY": str(own.key),
        "OPENERS_TLS_CLIENT_CA": str(dev1.files.trust),
        "OPENERS_TLS_CLIENT_CRL": str(dev1.files.revocations),
        "OPENERS_TLS_PORT": str(port),
    }
    settings = settings_in(folder, None if is_one else postgres_server.create(), **tls)
    with live(settings | ({} if is_one else {"OPENERS_WORKERS": "2"})) as run:
        yield Running(run, f"https://127.0.0.1:{port}", own, dev1)
        run.stop()


def replace(target: Pair, source: Pair) -> None:
    """Replace a certificate and its key, each in one step."""
    for to, new in zip(target, source, strict=True):
        draft = to.with_suffix(".new")
        shutil.copy(new, draft)
        os.replace(draft, to)


def output(*words: str) -> str:
    """Return what a program prints, whether it succeeds or not."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, input="")
    return done.stdout + done.stderr


@pytest.mark.needs("curl", "openssl")
def test_curl_and_openssl(running: Running, client: Pair, dev1: Certificates, foreign: Certificates) -> None:
    trust = str(dev1.files.trust)

    def curl(pair: Pair | None, path: str = PING) -> str:
        own = [] if pair is None else ["--cert", str(pair.certificate), "--key", str(pair.key)]
        return output("curl", "-sS", "-w", " %{http_code}", "--cacert", trust, *own, running.url + path)

    assert curl(None).endswith(" 200")
    assert curl(client).endswith(" 200")
    assert "alert unknown ca" in curl(foreign.issue("a.example"))
    body, _, status = curl(dev1.issue_expired("late.example"), FHIR).rpartition(" ")
    issue = json.loads(body)["issue"][0]
    assert status == "403"
    assert "CN=late.example,OU=Devices,O=OpenERS expired on" in issue["diagnostics"]
    at = running.url.removeprefix("https://")
    own = ["-cert", str(client.certificate), "-key", str(client.key)]
    shown = output("openssl", "s_client", "-connect", at, "-CAfile", trust, *own, "-alpn", "h2,http/1.1")
    assert "Verify return code: 0 (ok)" in shown
    assert "ALPN protocol: http/1.1" in shown
    assert "wrong version number" in output("openssl", "s_client", "-connect", f"127.0.0.1:{running.run.port}")
    for old in ("-tls1", "-tls1_1"):
        assert "Cipher is (NONE)" in output("openssl", "s_client", "-connect", at, old, "-cipher", "ALL@SECLEVEL=0")


@pytest.mark.needs("java", "keytool", "openssl")
def test_a_java_client_over_mutual_tls(running: Running, client: Pair, dev1: Certificates, tmp_path: Path) -> None:
    trust, keys = tmp_path / "trust.p12", tmp_path / "keys.p12"
    root = tmp_path / "root.pem"
    root.write_bytes((dev1.files.folder / "root.pem").read_bytes())
    output("keytool", "-importcert", "-noprompt", "-alias", "root", "-file", str(root), "-storetype", "PKCS12",
           "-keystore", str(trust), "-storepass", "changeit")  # fmt: skip
    output("openssl", "pkcs12", "-export", "-in", str(client.certificate), "-inkey", str(client.key), "-out", str(keys),
           "-passout", "pass:changeit")  # fmt: skip
    program = str(Path(__file__).parent / "java" / "Client.java")
    assert output("java", program, running.url + PING, str(trust), str(keys)) == "200\n"


def test_a_revoked_certificate_is_refused_within_seconds(running: Running, dev1: Certificates) -> None:
    pair = dev1.issue("gone.example")
    with running.client(pair, Connection="close") as known:
        assert known.get(PING).status_code == 200
        dev1.files.revoke(dev1.serial(pair), "key-compromise")
        until(lambda: all(known.get(PING).status_code == 403 for _ in range(CONNECTIONS)), "it is not refused")
        assert "was revoked on" in known.get(FHIR).json()["issue"][0]["diagnostics"]


def test_a_new_certificate_is_served_without_a_restart(running: Running, dev1: Certificates) -> None:
    with running.client() as kept:
        assert kept.get(PING).status_code == 200
        new = dev1.issue("localhost", 30, "127.0.0.1")
        replace(running.own, new)
        wanted = dev1.serial(new)
        until(lambda: {serial_served(running) for _ in range(CONNECTIONS)} == {wanted}, "the old one is served")
        assert kept.get(PING).status_code == 200


def serial_served(running: Running) -> str:
    """Return the serial number of the certificate that a new connection gets."""
    with running.client() as client, client.stream("GET", PING) as reply:
        found = reply.extensions["network_stream"].get_extra_info("ssl_object").getpeercert()
        return str(found["serialNumber"]).lower().lstrip("0")
