"""The TLS listener: who is let in, what the application learns, what is limited. On the loops of asyncio and uvloop."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Any, Final

import pytest

from openers.api.http.peers import presented
from openers.tls.files import TlsFiles
from tests.kit.run.waiting import until_it
from tests.kit.service.certificates import Certificates, Pair
from tests.tls.listeners import GET, Both, asked, both, trusting

pytestmark = pytest.mark.anyio
OK: Final = b"HTTP/1.1 200"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Run each test on both event loops."""
    return "asyncio", {"use_uvloop": request.param}


async def test_both_listeners_serve_and_only_tls_has_the_certificate(files: TlsFiles, client: Pair) -> None:
    async with both(files) as app:
        assert (await asked(await app.plain())).startswith(OK)
        assert (await asked(await app.secure(trusting(files)))).startswith(OK)
        assert (await asked(await app.secure(trusting(files, client)))).startswith(OK)
    plain, anonymous, known = app.scopes
    assert [plain["scheme"], anonymous["scheme"], known["scheme"]] == ["http", "https", "https"]
    assert (presented(plain), presented(anonymous)) == (None, None)
    found = presented(known)
    assert found is not None
    assert found.certificate is not None
    assert (found.certificate.common_name, found.refusal) == ("ers.surgery.example", "")
    assert found.certificate.issuer == "CN=DEV1 Sub CA,OU=CA,O=OpenERS"
    told = known["extensions"]["tls"]
    assert told["client_cert_chain"][0].strip() in client.certificate.read_text()
    assert (told["client_cert_error"], told["tls_version"]) == (None, 0x0304)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def test_a_bad_certificate_ends_in_an_alert_that_names_the_cause(
    version: ssl.TLSVersion, files: TlsFiles, dev1: Certificates, foreign: Certificates
) -> None:
    name = "ers.surgery.example"
    cases = {
        "EXPIRED": [dev1.issue_expired(name)],
        "UNKNOWN_CA": [foreign.issue(name), _alone(foreign, name)],
    }
    async with both(files) as app:
        for alert, pairs in cases.items():
            for pair in pairs:
                context = trusting(files, pair)
                context.maximum_version = version
                with pytest.raises(ssl.SSLError, match=alert):
                    await _called(app, context)
        assert app.scopes == []
        assert (await asked(await app.secure(trusting(files)))).startswith(OK)


async def _called(app: Both, context: ssl.SSLContext) -> bytes:
    """Return the reply to a request over a new connection."""
    return await asked(await app.secure(context))


def _alone(foreign: Certificates, name: str) -> Pair:
    """Return a certificate without its issuer, so that the listener cannot build a chain."""
    whole = foreign.issue(name)
    end = b"-----END CERTIFICATE-----\n"
    whole.certificate.write_bytes(whole.certificate.read_bytes().split(end)[0] + end)
    return whole


async def test_test_mode_explains_an_expired_certificate(files: TlsFiles, dev1: Certificates) -> None:
    async with both(files._replace(explains_dates=True)) as app:
        await asked(await app.secure(trusting(files, dev1.issue_expired("late.example"))))
    found = presented(app.scopes[0])
    assert found is not None
    assert found.refusal.startswith("CN=late.example,OU=Devices,O=OpenERS expired on ")


async def test_a_revocation_counts_on_an_open_connection_and_after_resumption(
    files: TlsFiles, dev1: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openers.tls.files.LOOK_EVERY_S", 0.0)
    pair = dev1.issue("gone.example")
    context = trusting(files, pair)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose sessions asyncio's client can resume
    async with both(files) as app:
        kept = await app.secure(context)
        await asked(kept)
        dev1.files.revoke(dev1.serial(pair), "key-compromise")
        await asked(kept)
        await asked(await app.secure(context))
    refusals = [found.refusal for scope in app.scopes if (found := presented(scope)) is not None]
    assert refusals[0] == ""
    assert all(text.startswith("CN=gone.example,OU=Devices,O=OpenERS was revoked on ") for text in refusals[1:])
    assert len(refusals) == 3


async def test_new_files_count_for_new_connections_and_wrong_ones_change_nothing(
    files: TlsFiles, dev1: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openers.tls.files.LOOK_EVERY_S", 0.0)
    at, key = tmp_path / "server.pem", tmp_path / "server.key"

    def put(pair: Pair) -> None:
        for source, target in zip(pair, (at, key), strict=True):
            (tmp_path / "draft").write_bytes(source.read_bytes())
            os.replace(tmp_path / "draft", target)

    first, second = dev1.issue("localhost", 30, "127.0.0.1"), dev1.issue("localhost", 30, "127.0.0.1")
    put(first)
    async with both(files._replace(certificate=at, key=key)) as app:
        kept = await app.secure(trusting(files))
        assert await _served(app, files) == dev1.serial(first)
        key.write_text("half of a key")
        assert await _served(app, files) == dev1.serial(first)
        put(second)
        assert await _served(app, files) == dev1.serial(second)
        assert (await asked(kept)).startswith(OK)


async def _served(app: Both, files: TlsFiles) -> str:
    """Return the serial number of the certificate that the listener presents."""
    stream = await app.secure(trusting(files))
    found = stream[1].get_extra_info("ssl_object").getpeercert()
    return str(found["serialNumber"]).lower().lstrip("0")


async def test_handshakes_that_do_not_go_on_end_and_make_room(files: TlsFiles) -> None:
    async with both(files, most=3) as app:
        held = [await app.plain(app.tls_port) for _ in range(3)]
        late = await app.secure(trusting(files))
        assert (await asked(late)).startswith(OK)
        assert await held[0][0].read() == b""
        assert len(app.connections.handshakes) <= 2
        for _ in range(3):
            assert (await asked(await app.secure(trusting(files)))).startswith(OK)
        await until_it(app.has_no_handshakes, "the handshakes end")


async def test_a_slow_handshake_ends(files: TlsFiles) -> None:
    async with both(files, within_s=0.05) as app:
        silent = await app.plain(app.tls_port)
        assert await silent[0].read() == b""
        begun = await app.plain(app.tls_port)
        begun[1].write(b"\x16\x03\x01")
        assert await begun[0].read() == b""
        await until_it(app.has_no_handshakes, "the handshake ends")


async def test_plain_http_on_the_tls_port_is_refused(files: TlsFiles) -> None:
    async with both(files) as app:
        stream = await app.plain(app.tls_port)
        stream[1].write(GET)
        assert not (await stream[0].read()).startswith(b"HTTP")
        assert app.scopes == []


async def test_a_reply_over_tls_that_nobody_reads_is_given_up(files: TlsFiles) -> None:
    async with both(files, within_s=0.5) as app:
        app.body = b"a" * 64 * 2**20
        _, writer = await app.secure(trusting(files))
        writer.write(GET + GET)
        await app.began.acquire()
        transport: Any = writer.transport
        transport.pause_reading()
        await asyncio.wait_for(app.ended.wait(), 60)
