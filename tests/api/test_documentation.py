"""The documentation at `/docs`: its files and headers, and the reply when it is not built."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.kit.service.running import Running

from openers.api.addresses import Addresses
from openers.api.site import Site, site_routes
from openers.web.documentation import DOCS, DOCS_HEADERS, missing_page

pytestmark = pytest.mark.anyio
PAGE = b"<!DOCTYPE html><title>Start</title>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Create a small site with a secret file beside it."""
    (tmp_path / "secret.txt").write_text("secret")
    site = tmp_path / "site"
    (site / "how-to").mkdir(parents=True)
    (site / "index.html").write_bytes(PAGE)
    (site / "how-to" / "connect.html").write_bytes(PAGE)
    (site / "search.js").write_text("Search.init()")
    (site / ".buildinfo").write_text("hidden")
    return site


def client(service: Running, folder: Path) -> httpx.AsyncClient:
    """Return a client of the site in `folder`, served as the service does."""
    loop = service.service.pages.loop
    missing = partial(missing_page, production=False)
    site = Site(path=DOCS, folder=folder, headers=DOCS_HEADERS, missing=missing)
    transport = httpx.ASGITransport(app=Addresses(loop, site_routes(loop, site)))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/docs/", "text/html; charset=utf-8"),
        ("/docs/index.html", "text/html; charset=utf-8"),
        ("/docs/how-to/connect.html", "text/html; charset=utf-8"),
        ("/docs/search.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_a_file_has_its_type_a_policy_and_a_tag(
    service: Running, folder: Path, path: str, media_type: str
) -> None:
    got = await client(service, folder).get(path)
    assert (got.status_code, got.headers["content-type"]) == (200, media_type)
    assert got.headers["cache-control"] == "no-cache"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in got.headers["content-security-policy"]
    assert "unsafe" not in got.headers["content-security-policy"]
    for sent in (got.headers["etag"], f'"other", W/{got.headers["etag"]}', "*"):
        again = await client(service, folder).get(path, headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", got.headers["etag"])
        assert "content-length" not in again.headers
    assert (await client(service, folder).get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_head_has_the_headers_of_get_and_other_methods_are_refused(service: Running, folder: Path) -> None:
    head, got = [await client(service, folder).request(method, "/docs/") for method in ("HEAD", "GET")]
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PAGE)))
    assert head.headers["etag"] == got.headers["etag"]
    refused = await client(service, folder).post("/docs/")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


async def test_the_address_without_a_slash_leads_to_the_one_with_it(service: Running, folder: Path) -> None:
    """The start page has relative links, so its address must end with a slash."""
    sent = await client(service, folder).get("/docs")
    assert (sent.status_code, sent.headers["location"]) == (308, "docs/")
    assert (await client(service, folder).get("/docs", follow_redirects=True)).content == PAGE


@pytest.mark.parametrize(
    "path",
    [
        "/docs/none.html",
        "/docs/how-to",
        "/docs/how-to/",
        "/docs/.buildinfo",
        "/docs/%2e%2e/secret.txt",
        "/docs/..%2fsecret.txt",
        "/docs/how-to/%2e%2e/%2e%2e/secret.txt",
        "/docs//etc/passwd",
        "/docs/index.html%00",
        "/docs/%5c..%5csecret.txt",
        f"/docs/{'a' * 5000}",
    ],
)
async def test_an_unknown_address_is_a_page_that_leads_back(service: Running, folder: Path, path: str) -> None:
    got = await client(service, folder).get(httpx.URL("http://127.0.0.1").copy_with(raw_path=path.encode()))
    assert (got.status_code, got.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Page not found" in got.text
    assert 'href="/docs/"' in got.text
    assert "secret" not in got.text


async def test_an_installation_without_documentation_says_so(service: Running, tmp_path: Path) -> None:
    got = await client(service, tmp_path / "none").get("/docs/")
    assert got.status_code == 404
    assert "The documentation is not built" in got.text
    assert "make docs" in got.text


async def test_the_service_serves_it_and_its_home_page_links_it(service: Running) -> None:
    pages = service.pages()
    assert 'href="/docs/"' in (await pages.get("/")).text
    got = await pages.get("/docs/")
    assert (got.status_code, "OpenERS" in got.text) == (200, True)
