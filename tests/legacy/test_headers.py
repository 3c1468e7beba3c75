"""The headers of the session API: every spelling, contradictions, and a proxy that dropped them."""

from __future__ import annotations

import pytest

from tests.kit.service.running import CONSULTANT, Running
from tests.legacy.client import ASID, SESSIONS, chosen, code, programs

pytestmark = pytest.mark.anyio
ASIDS = ("XAPI_ASID", "xapi_asid", "Xapi-Asid", "X-XAPI-ASID", "X_XAPI_ASID")
KEYS = ("HTTP_X_SESSION_KEY", "http_x_session_key", "X-Session-Key", "X_SESSION_KEY", "HTTP-X-SESSION-KEY")
FQDN = ("XAPI_FQDN", "demo.example")
TOKEN = {"token": f"{CONSULTANT.user} x x x"}


async def test_every_spelling_and_each_contradiction(service: Running) -> None:
    async with programs(service.service) as (program,):
        http = program.http
        for name in ("XAPI_ASID", "XAPI_FQDN"):
            del http.headers[name]
        for asid, key in zip(ASIDS, KEYS, strict=True):
            known = [(asid, f" {ASID} "), FQDN]
            begun = await http.post(SESSIONS, headers=known, json=TOKEN)
            assert begun.status_code == 201, begun.text
            session = begun.json()["id"]
            address = f"{SESSIONS}/{session}"
            twice = [*known, *((each, session) for each in KEYS), ("xapi_asid", ASID)]
            assert (await http.put(address, headers=twice, json=chosen())).status_code == 200
            assert (await http.get("/v1/ValueSet/SPECIALTY", headers=[*known, (key, session)])).status_code == 200
            for other in KEYS:
                differ = [*known, (key, session), (other, f"{session}0")]
                refused = await http.get("/v1/ValueSet/SPECIALTY", headers=differ)
                assert (refused.status_code, "HTTP_X_SESSION_KEY was sent 2 times" in refused.text) == (400, True)
            differ = [*known, ("X-XAPI-ASID" if asid != "X-XAPI-ASID" else "XAPI_ASID", "999900000102")]
            assert code(await http.post(SESSIONS, headers=differ, json=TOKEN)) == (400, "HEADERS_DIFFER")


@pytest.mark.parametrize("proxy", ["Via", "Forwarded", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Proto"])
async def test_a_proxy_that_drops_headers_is_named(proxy: str, service: Running) -> None:
    async with programs(service.service) as (program,):
        del program.http.headers["XAPI_ASID"]
        for headers, is_named in (({}, False), ({proxy: "1.1 front"}, True)):
            refused = await program.http.post(SESSIONS, headers=headers, json=TOKEN)
            assert code(refused) == (403, "HEADER_MISSING")
            told = refused.json()["message"]
            assert told.startswith("The header XAPI_ASID is missing.")
            assert (f"({proxy})" in told and "underscores_in_headers on;" in told) is is_named
        await program.begin(CONSULTANT.user)
        refused = await program.http.get("/v1/ValueSet/SPECIALTY", headers={"XAPI_ASID": ASID, proxy: "1.1 front"})
        assert (refused.status_code, "HTTP_X_SESSION_KEY is missing" in refused.text) == (403, True)
