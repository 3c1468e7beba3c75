"""A program of 2018 behind nginx and HAProxy with the settings of the documentation, and with default ones."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.kit.run.project import ROOT
from tests.kit.run.waiting import until
from tests.kit.service.live import free_port
from tests.kit.service.running import CONSULTANT_ELSEWHERE
from tests.legacy.client import SESSIONS, chosen, code
from tests.legacy.place import ASID, Place

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    {server}
}}
"""


def documented(kind: str, place: Place, folder: Path, port: int) -> str:
    """Return the settings of the documentation, with the ports and files of this test."""
    page = (ROOT / "docs/how-to/serve-over-tls.md").read_text("utf-8")
    found = re.search(rf"```{kind}\n(.*?)```", page, re.DOTALL)
    assert found is not None
    both = folder / "both.pem"
    both.write_bytes(place.server.certificate.read_bytes() + place.server.key.read_bytes())
    trust = str(place.dev1.files.trust)
    files = {
        "ssl_certificate server.pem": f"ssl_certificate {place.server.certificate}",
        "ssl_certificate_key server.key": f"ssl_certificate_key {place.server.key}",
        "ssl_client_certificate trust.pem": f"ssl_client_certificate {trust}",
        "crt server.pem": f"crt {both}",
        "ca-file trust.pem": f"ca-file {trust}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "bind :443": f"bind 127.0.0.1:{port}",
        "127.0.0.1:8000": place.run.base_url.removeprefix("http://"),
    }
    text = found[1]
    for old, new in files.items():
        text = text.replace(old, new)
    return text


@contextmanager
def front(place: Place, folder: Path, port: int, *words: str) -> Generator[httpx.Client]:
    """Run a proxy; return a program that calls through it."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        with place.client(place.own, XAPI_ASID=ASID) as http:
            http.base_url = f"https://127.0.0.1:{port}/ers-api"

            def _answers() -> bool:
                assert process.poll() is None, (folder / "log").read_text()
                try:
                    return http.get("/catalogue").status_code == 200
                except httpx.TransportError:
                    return False

            until(_answers, "the proxy does not answer")
            yield http
    finally:
        process.terminate()
        process.wait(60)


def passes(place: Place, http: httpx.Client) -> None:
    """Begin a session through the proxy, use it, and end it."""
    place.control("PUT", "/cards/inserted", {"uuid": CONSULTANT_ELSEWHERE.user})
    token = place.control("POST", "/cards/ticket")["ticket"]
    begun = http.post(SESSIONS, json={"token": token})
    assert begun.status_code == 201, begun.text
    key = {"HTTP_X_SESSION_KEY": begun.json()["id"]}
    role = chosen(CONSULTANT_ELSEWHERE.function, CONSULTANT_ELSEWHERE.organisation)
    assert http.put(f"{SESSIONS}/{begun.json()['id']}", json=role, headers=key).status_code == 200
    assert http.get("/v1/ValueSet/SPECIALTY", headers=key).status_code == 200
    assert http.delete(f"{SESSIONS}/{begun.json()['id']}", headers=key).status_code == 204


@pytest.mark.needs("nginx")
def test_nginx_passes_the_headers_and_says_what_is_missing(place: Place, tmp_path: Path) -> None:
    for is_default in (False, True):
        port = free_port()
        server = documented("nginx", place, tmp_path, port)
        if is_default:
            server = server.replace("underscores_in_headers on;", "")
        configuration = tmp_path / "nginx.conf"
        configuration.write_text(NGINX.format(folder=tmp_path, server=server))
        with front(place, tmp_path, port, "nginx", "-p", str(tmp_path), "-c", str(configuration)) as http:
            if not is_default:
                passes(place, http)
                continue
            refused = http.post(SESSIONS, json={"token": "x"})
            assert code(refused) == (403, "HEADER_MISSING")
            assert "X-Forwarded-For" in refused.json()["message"]
            assert "underscores_in_headers on;" in refused.json()["message"]


@pytest.mark.needs("haproxy")
def test_haproxy_passes_the_headers(place: Place, tmp_path: Path) -> None:
    port = free_port()
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(documented("text", place, tmp_path, port))
    with front(place, tmp_path, port, "haproxy", "-db", "-f", str(configuration)) as http:
        passes(place, http)
