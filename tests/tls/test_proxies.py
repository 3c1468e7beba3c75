"""Only a trusted proxy may pass on the address and the certificate of a caller."""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from openers.api.http.peers import Presented, presented
from openers.settings import SettingsError, read_settings
from openers.tls.files import TlsFiles
from tests.kit.service.certificates import Certificates, Pair
from tests.tls.listeners import asked, both, trusting

pytestmark = pytest.mark.anyio
TRUSTED: Final = ("127.0.0.0/8", "10.1.0.0/16")
NAMES: Final = (b"x-openers-client-cert", b"x_openers_client_cert", b"x-openers-client_cert", b"x-openers-client-name")


def as_nginx(pair: Pair) -> str:
    """Return the certificate as nginx writes `$ssl_client_escaped_cert`."""
    pem = pair.certificate.read_text().split("-----END")[0]
    return quote(f"{pem}-----END CERTIFICATE-----\n", safe="")


def as_haproxy(pair: Pair) -> str:
    """Return the certificate as HAProxy writes `ssl_c_der,base64`."""
    return b64encode(load_pem_x509_certificate(pair.certificate.read_bytes()).public_bytes(Encoding.DER)).decode()


async def seen(files: TlsFiles, proxies: tuple[str, ...], *headers: str) -> tuple[Presented | None, str, list[bytes]]:
    """Return certificate, address and header names of a request with these headers, as the application sees them."""
    async with both(files, proxies=proxies) as app:
        lines = "".join(f"{each}\r\n" for each in headers)
        await asked(await app.plain(), f"GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())
    scope = app.scopes[0]
    return presented(scope), scope["client"][0], [name for name, _ in scope["headers"]]


@pytest.mark.parametrize("form", [as_nginx, as_haproxy], ids=["nginx", "HAProxy"])
async def test_a_trusted_proxy_passes_on_a_certificate(form: type[str], files: TlsFiles, client: Pair) -> None:
    found, _, names = await seen(
        files, TRUSTED, f"X-OpenERS-Client-Cert: {form(client)}", "X_OpenERS_Client_Cert: forged"
    )
    assert found is not None
    assert found.certificate is not None
    assert (found.certificate.common_name, found.refusal) == ("ers.surgery.example", "")
    assert not set(names) & set(NAMES)


async def test_what_a_proxy_passes_on_is_verified_again(
    files: TlsFiles, client: Pair, dev1: Certificates, foreign: Certificates
) -> None:
    revoked = dev1.issue("revoked.example")
    dev1.files.revoke(dev1.serial(revoked), "superseded")
    header = "X-OpenERS-Client-Cert: "
    cases = {
        "no trusted authority has issued it": [header + as_nginx(foreign.issue("a.example"))],
        "expired on": [header + as_haproxy(dev1.issue_expired("b.example"))],
        "was revoked on": [header + as_nginx(revoked)],
        "more than one": [header + as_nginx(client), header + as_haproxy(client)],
        "wrong form": [header + "%ZZ"],
        "malformed": [header + b64encode(b"no certificate").decode()],
        "longer than": [header + b64encode(b"0" * 20_000).decode()],
    }
    for reason, sent in cases.items():
        found, _, _ = await seen(files, TRUSTED, *sent)
        assert found is not None
        assert reason in found.refusal, reason
    for nothing in ("X-OpenERS-Client-Cert:", "X_OpenERS_Client_Cert: a"):
        assert (await seen(files, TRUSTED, nothing))[0] is None


@pytest.mark.parametrize("proxies", [(), ("10.1.0.0/16",)], ids=["nobody is trusted", "another proxy is trusted"])
async def test_nobody_else_can_send_the_headers(proxies: tuple[str, ...], files: TlsFiles, client: Pair) -> None:
    sent = [f"{name.decode()}: {as_nginx(client)}" for name in NAMES]
    found, address, names = await seen(files, proxies, *sent, "X-Forwarded-For: 203.0.113.9")
    assert (found, address) == (None, "127.0.0.1")
    assert not set(names) & set(NAMES)


async def test_the_tls_listener_takes_no_certificate_from_a_header(files: TlsFiles, client: Pair) -> None:
    async with both(files, proxies=TRUSTED) as app:
        header = f"X-OpenERS-Client-Cert: {as_nginx(client)}\r\nX-Forwarded-For: 203.0.113.9"
        await asked(await app.secure(trusting(files)), f"GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n".encode())
    assert (presented(app.scopes[0]), app.scopes[0]["client"][0]) == (None, "127.0.0.1")


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.1.2.3"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9, 10.1.2.3"], "203.0.113.9"),
        (["2001:db8::1"], "2001:db8::1"),
        (["10.1.2.3"], "127.0.0.1"),
        (["203.0.113.9, unknown"], "127.0.0.1"),
        ([""], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
async def test_the_address_is_the_last_one_that_no_trusted_proxy_has(
    sent: list[str], address: str, files: TlsFiles
) -> None:
    assert (await seen(files, TRUSTED, *[f"X-Forwarded-For: {each}" for each in sent]))[1] == address


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"TRUSTED_PROXIES": "proxy.example"}, "must be an address or a network"),
        ({"TRUSTED_PROXIES": "10.1.2.3/16"}, "must be an address or a network"),
        ({"TLS_CERTIFICATE": "a"}, "OPENERS_TLS_KEY too"),
        ({"TLS_KEY": "a"}, "OPENERS_TLS_CERTIFICATE too"),
        ({"TLS_PORT": "8443"}, "OPENERS_TLS_PORT needs"),
        ({"TLS_CERTIFICATE": "a", "TLS_KEY": "b", "PORT": "65500"}, "OPENERS_TLS_PORT is missing"),
        ({"TLS_CERTIFICATE": "a", "TLS_KEY": "b", "TLS_PORT": "8000"}, "OPENERS_TLS_PORT must differ"),
        ({"TLS_CLIENT_CA": "a"}, "OPENERS_TLS_CLIENT_CA needs"),
        ({"TLS_CLIENT_CRL": "a"}, "OPENERS_TLS_CLIENT_CRL needs"),
    ],
)
def test_settings_that_do_not_fit_are_named(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        read_settings({f"OPENERS_{name}": value for name, value in environ.items()})


def test_the_tls_port_follows_the_port() -> None:
    given = {"OPENERS_TLS_CERTIFICATE": "a", "OPENERS_TLS_KEY": "b", "OPENERS_PORT": "9000"}
    assert (read_settings(given).tls_port, read_settings({}).tls_port) == (9443, None)
