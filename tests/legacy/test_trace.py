"""The trace of a program of 2018 over mutual TLS, with its card, certificate and ASID; and each refused endpoint."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

import httpx
import pytest

from openers.worlds.collections.sessions import STEPS
from tests.kit.run.npm import npm_programs
from tests.kit.run.waiting import until
from tests.kit.service.certificates import Pair
from tests.kit.service.running import CONSULTANT_ELSEWHERE
from tests.legacy.client import ASID as PLAIN_ASID
from tests.legacy.client import SESSIONS, chosen, code
from tests.legacy.place import ASID, FQDN, Place

SELECTORS: Final = {
    "parameter": [{"name": "listType", "valueCodeableConcept": {"coding": [{"code": "REFERRALS_FOR_REVIEW"}]}}]
}


def test_the_whole_trace(place: Place) -> None:
    """Each line of the trace: card, session, refused calls, reads, an act, and the card out."""
    control, ubrn = place.control, place.ubrn
    control("PUT", "/cards/inserted", {"uuid": CONSULTANT_ELSEWHERE.user})  # 1
    token = control("POST", "/cards/ticket")["ticket"]
    assert token.startswith("AQIC5wM2LY4Sfc")
    assert control("GET", "/cards/ticket")["ticket"] == token
    role = chosen(CONSULTANT_ELSEWHERE.function, CONSULTANT_ELSEWHERE.organisation)
    with place.client(place.own, XAPI_ASID=ASID) as http:
        begun = http.post(SESSIONS, json={"token": f" {token}"})  # 2
        assert (begun.status_code, begun.json()["permission"]) == (201, None)
        key = begun.json()["id"]
        http.headers["HTTP_X_SESSION_KEY"] = key
        assert http.get("/v1/ValueSet/SPECIALTY").status_code == 403  # 3
        selected = http.put(f"{SESSIONS}/{key}", json=role)  # 4
        assert (selected.status_code, selected.json()["permission"]["orgIdentifier"]) == (200, "R69")
        assert selected.json()["permission"]["orgName"]
        assert code(http.put(f"{SESSIONS}/{key}", json=role)) == (400, "ROLE_ALREADY_CHOSEN")  # 5
        assert http.get("/v1/ValueSet/SPECIALTY").json()["resourceType"] == "ValueSet"  # 6
        listed = http.post("/v1/ReferralRequest/$ers.fetchworklist", json=SELECTORS)  # 7
        assert {"reference": f"ReferralRequest/{ubrn}"} in [each["item"] for each in listed.json()["entry"]]
        read = http.get(f"/v1/ReferralRequest/{ubrn}")  # 8
        assert read.status_code == 200
        files = [each for each in read.json()["contained"] if each["resourceType"] == "DocumentReference"]
        address = f"/v1/{files[0]['content'][0]['attachment']['url']}"
        until(lambda: http.get(address).status_code == 200, "the file is not scanned")
        file = http.get(address, headers={"Accept": "*/*"})  # 9
        assert (file.content, file.headers["content-type"]) == (b"Dear colleague", "text/plain")
        summary = http.get(f"/v1/Binary/$ers.generateCRI?UBRN={ubrn}")  # 10
        assert (summary.status_code, summary.content[:5]) == (200, b"%PDF-")
        version = http.get(f"/v1/ReferralRequest/{ubrn}").json()["meta"]["versionId"]
        accept = f"/v1/ReferralRequest/{ubrn}/$ers.accept"  # 11
        for number, status in ((int(version) - 1, 409), (int(version), 200), (int(version), 409)):
            reply = http.post(accept, headers={"If-Match": f'W/"{number}"'})
            assert reply.status_code == status, reply.text
        assert control("DELETE", "/cards/inserted")["ended"] == 1  # 12
        assert http.get(f"/v1/ReferralRequest/{ubrn}").status_code == 403  # 13
        assert code(http.delete(f"{SESSIONS}/{key}")) == (403, "SESSION_NOT_FOUND")  # 14


@pytest.mark.needs("node", "npm")
def test_newman_runs_the_collection_over_mutual_tls(place: Place, tmp_path: Path) -> None:
    """As it is served; only the address of the API and the endpoint's ASID are given."""
    for name in ("collection", "environment"):
        file = f"postman-sessions-2018{'' if name == 'collection' else '-environment'}.json"
        text = httpx.get(f"{place.run.base_url}/_test/collections/{file}", timeout=60).text
        (tmp_path / f"{name}.json").write_text(text)
    given = {"ers_url": f"{place.url}/ers-api", "asid": ASID, "uuid": CONSULTANT_ELSEWHERE.user, "organisation": "R69"}
    given["ubrn"] = place.ubrn  # another test may have emptied the worklist
    variables = [word for each in given.items() for word in ("--env-var", "=".join(each))]
    certificate = ["--ssl-client-cert", str(place.own.certificate), "--ssl-client-key", str(place.own.key)]
    told = tmp_path / "told.json"
    command = [str(npm_programs("api-clients") / "newman"), "run", "collection.json", "-e", "environment.json"]
    command += [*variables, *certificate, "--ssl-extra-ca-certs", str(place.dev1.files.trust)]
    command += ["-r", "json", "--reporter-json-export", str(told)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, told.read_text() + done.stdout + done.stderr
    run = json.loads(told.read_text())["run"]
    assert run["failures"] == []
    assert run["stats"]["assertions"]["total"] == len(STEPS)


def test_without_a_card_nobody_logs_in(place: Place) -> None:
    """Where TLS is required, a user id is no token, and XAPI_FQDN no certificate."""
    place.control("DELETE", "/cards/inserted")
    with place.client(place.own, XAPI_ASID=ASID) as http:
        plain = http.post(SESSIONS, json={"token": f"{CONSULTANT_ELSEWHERE.user} x x x"})
        assert code(plain) == (403, "TOKEN_NOT_VALID")
    for url in (place.url, place.run.base_url):
        with place.client(None, XAPI_ASID=PLAIN_ASID, XAPI_FQDN="demo.example") as http:
            http.base_url = f"{url}/ers-api"
            refused = http.post(SESSIONS, json={"token": f"{CONSULTANT_ELSEWHERE.user} x x x"})
            assert code(refused) == (403, "UNAUTHORISED_ACCESS")
            assert "has no client certificate" in refused.json()["message"]
    empty = httpx.post(f"{place.run.base_url}/_test/cards/ticket", timeout=60)
    assert (empty.status_code, "Insert the card of an active person" in empty.text) == (400, True)


def test_each_refused_endpoint_explains_itself(place: Place) -> None:
    other = place.dev1.issue("other.trust.example")
    strange = Pair(place.dev1.folder / "strange.pem", place.dev1.folder / "strange.key")
    again = place.dev1.issue(FQDN)
    cases: list[tuple[Pair, dict[str, str], str]] = [
        (place.own, {}, "The header XAPI_ASID is missing."),
        (place.own, {"XAPI_ASID": "200000009999"}, "No endpoint with the ASID 200000009999 is registered here."),
        (place.own, {"XAPI_ASID": "200000000221"}, "is suspended, so it may not call."),
        (other, {"XAPI_ASID": ASID}, "The host name other.trust.example is not that of the endpoint"),
        (again, {"XAPI_ASID": ASID}, f"is not registered for the endpoint {ASID}"),
        (strange, {"XAPI_ASID": ASID}, "in the environment DEV1 are issued by"),
        (place.own, {"XAPI_ASID": "200000000222"}, "has no registered certificate"),
    ]
    for pair, headers, text in cases:
        with place.client(pair, **headers) as http:
            refused = http.post(SESSIONS, json={"token": "x"})
            assert refused.status_code == 403, refused.text
            assert text in refused.json()["message"], refused.json()["message"]
            assert refused.headers["X_ERS_TRANSACTION_ID"] == refused.headers["X-Request-ID"]
    with place.client(place.own, XAPI_ASID=ASID) as http:
        refused = http.get("/STU3/v1/Task")
        assert (refused.status_code, "The operation A029 is not registered" in refused.text) == (403, True)


def test_a_revoked_certificate_is_refused_on_an_open_connection(place: Place) -> None:
    pair = place.dev1.issue("gone.trust.example")
    with place.client(pair, XAPI_ASID=ASID) as http:
        assert "The host name gone.trust.example" in http.post(SESSIONS, json={}).json()["message"]
        place.dev1.files.revoke(place.dev1.serial(pair), "key-compromise")
        until(lambda: "was revoked on" in http.post(SESSIONS, json={}).text, "it is not refused")


@pytest.mark.needs("java", "keytool", "openssl")
def test_a_java_client_with_both_kinds_of_key_stores(place: Place, tmp_path: Path) -> None:
    place.control("PUT", "/cards/inserted", {"uuid": CONSULTANT_ELSEWHERE.user})
    token = place.control("POST", "/cards/ticket")["ticket"]
    trust, p12, jks = tmp_path / "trust.p12", tmp_path / "keys.p12", tmp_path / "keys.jks"
    password = ("-storepass", "changeit")
    output("keytool", "-importcert", "-noprompt", "-alias", "root", "-file", str(place.dev1.files.folder / "root.pem"),
           "-storetype", "PKCS12", "-keystore", str(trust), *password)  # fmt: skip
    output("openssl", "pkcs12", "-export", "-in", str(place.own.certificate), "-inkey", str(place.own.key), "-out",
           str(p12), "-passout", "pass:changeit")  # fmt: skip
    output("keytool", "-importkeystore", "-noprompt", "-srckeystore", str(p12), "-srcstoretype", "PKCS12",
           "-srcstorepass", "changeit", "-destkeystore", str(jks), "-deststoretype", "JKS", "-deststorepass",
           "changeit")  # fmt: skip
    assert jks.read_bytes()[:4] == bytes.fromhex("FEEDFEED")
    program = str(Path(__file__).parent / "java" / "Session.java")
    for keys, kind in ((p12, "PKCS12"), (jks, "JKS")):
        url = f"{place.url}/ers-api{SESSIONS}"
        assert output("java", program, url, str(trust), str(keys), kind, ASID, token) == "201\n"


def output(*words: str) -> str:
    """Return what a program prints, whether it succeeds or not."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, input="")
    return done.stdout + done.stderr
