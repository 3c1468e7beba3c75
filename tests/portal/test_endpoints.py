"""An endpoint from its form to the first call: registration, certificate, secret, files, and what is never kept."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509.oid import NameOID

from openers.testing import TestedService
from openers_client import Application, LogInFailed, log_in
from openers_portal.access import Role
from openers_portal.environment import Environment
from openers_portal.issuing import undo_lost
from openers_portal.mailing import warn
from openers_portal.rules.bundles import public_key_of
from openers_portal.rules.endpoints import SOON_DAYS, Certificate, Endpoint, new_asid
from openers_portal.rules.java_key_stores import java_key_store
from openers_portal.rules.partners import Partner
from openers_portal.rules.signing_requests import checks
from openers_portal.rules.start_scripts import start_scripts
from openers_portal.settings import EnvironmentSettings
from openers_portal.store.partners import Member
from openers_portal.store.portal_store import PortalStore
from openers_quickconnect.configuration import connection_of
from openers_quickconnect.key_stores import Unlock, read_private_key
from tests.kit.web.walker import Walker
from tests.portal.conftest import GP, Enter, add_product, register

KEY: Final = generate_private_key(65537, 2048)
NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
ALIEN: Final = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"


def csr(*names: str, key: RSAPrivateKey = KEY) -> str:
    """Return a request with these common names."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in names])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def altered(pem: str) -> str:
    """Return a request whose signature does not fit."""
    der = bytearray(x509.load_pem_x509_csr(pem.encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("pem", "fails"),
    [
        (csr("a.example"), []),
        (csr("A.example"), []),
        ("hello", ["PEM form"]),
        (ALIEN, ["PEM form"]),
        ("é" * 20_000, ["PEM form"]),
        (csr("b.example"), ["common name"]),
        (csr("a.example", "b.example"), ["common name"]),
        (csr(), ["common name"]),
        (csr("a.example", key=generate_private_key(65537, 1024)), ["RSA of 2048"]),
        (altered(csr("a.example")), ["signature fits"]),
    ],
)
def test_each_check_of_a_request_is_told_by_itself(pem: str, fails: list[str]) -> None:
    failed = [each for each in checks(pem, "a.example") if not each.holds]
    assert [any(text in each.rule for each in failed) for text in fails] == [True] * len(fails)
    assert len(failed) == len(fails)
    assert all(each.told for each in failed)


def endpoint_of(walker: Walker, fqdn: str, environment: str = "DEV1") -> str:
    """Register an endpoint of the product whose page is open; return the path of its page."""
    walker.follow("Register an endpoint")
    walker.send("Register", environment=environment, fqdn=fqdn, organisation="D82106", ranges="127.0.0.1\n10.1.0.0/16")
    return walker.path


def _archive(walker: Walker) -> dict[str, bytes]:
    assert walker.reply.headers["content-type"] == "application/zip", walker.text
    with ZipFile(io.BytesIO(walker.reply.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_from_the_form_to_the_first_call(
    enter: Enter, tested: TestedService, portal_store: Path, tmp_path: Path
) -> None:
    """Register, sign one's own request, make a secret, call: the milestone Connected has the call as its evidence."""
    person = enter(GP)
    register(person, "Ghyll Systems", "X26G")
    product = add_product(person, "Ghyll Letters")
    path = endpoint_of(person, "letters.ghyll.example")
    assert "The endpoint is registered" in person.text
    person.follow("Get a certificate")
    person.send("Get the certificate", request=csr("other.example"))
    assert person.reply.status_code == 422
    assert "It is other.example: use the subject /CN=letters.ghyll.example" in person.text
    person.upload("Get the certificate", ("letters.csr", csr("letters.ghyll.example").encode()))
    assert "The certificate is issued and registered." in person.text
    person.go(f"{path}/files.zip")
    files = _archive(person)
    own = {"letters.ghyll.example.crt", "trust.pem", "application.yml", "commands.txt"}
    assert set(files) == {*own, "runme.sh", "runme.bat", "README.txt"}
    certificate = x509.load_pem_x509_certificates(files["letters.ghyll.example.crt"])[0]
    assert certificate.public_key() == KEY.public_key()
    person.go(path)
    person.follow("Make a secret")
    person.send("Make a secret")
    secret = person.text.partition("QUICKCONNECT_SECRET=")[2].split()[0]
    (tmp_path / "letters.ghyll.example.key").write_bytes(
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    settings: Any = yaml.safe_load(files["application.yml"])
    connection = connection_of(settings, tmp_path, {})
    assert connection.service == tested.base_url
    assert log_in(tested.base_url, GP, connection.application).access_token
    person.go(product)
    assert "Connected: reached" not in person.text
    application = Application(connection.application.client_id, secret=secret)
    token = log_in(tested.base_url, GP, application).access_token
    headers = {"Authorization": f"Bearer {token}", "NHSD-End-User-Organisation-ODS": "D82106"}
    headers |= {"NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
    address = f"{tested.base_url}/referrals/FHIR/STU3/CodeSystem"
    assert httpx.get(f"{address}/NONE", headers=headers).status_code >= 400
    person.go(product)
    assert "Connected: reached" not in person.text
    assert httpx.get(f"{address}/PRIORITY", headers=headers).status_code == 200
    person.go(product)
    assert "Connected: reached" in person.text
    assert "A004 with ASID" in person.text
    stored = portal_store.read_bytes() + portal_store.with_name(f"{portal_store.name}-wal").read_bytes()
    assert secret.encode() not in stored
    assert b"letters.ghyll.example" in stored


def test_a_key_that_is_made_here_is_given_away_and_never_kept(enter: Enter, portal_store: Path) -> None:
    person = enter(GP)
    register(person, "Force Systems", "X26K")
    add_product(person, "Force Desk")
    path = endpoint_of(person, "desk.force.example")
    person.go(f"{path}/certificate")
    person.send("Make a key pair for me")
    files = _archive(person)
    key = load_pem_private_key(files["desk.force.example.key"], None)
    password = files["password.txt"].decode().split("\n")[0]
    of_store, certificate, _ = load_key_and_certificates(files["desk.force.example.p12"], password.encode())
    assert isinstance(key, RSAPrivateKey)
    assert isinstance(of_store, RSAPrivateKey)
    assert certificate is not None
    assert of_store.private_numbers() == key.private_numbers()
    assert certificate.public_key() == key.public_key()
    of_jks = read_private_key(files["desk.force.example.jks"], Unlock(password))
    assert of_jks["n"] == public_key_of(files["desk.force.example.crt"].decode())["n"]
    assert of_jks["kid"] == "desk.force.example"
    stored = portal_store.read_bytes() + portal_store.with_name(f"{portal_store.name}-wal").read_bytes()
    prime = key.private_numbers().p
    assert prime.to_bytes(128, "big") not in stored
    assert b"PRIVATE KEY" not in stored
    assert files["desk.force.example.key"][40:100] not in stored
    person.go(f"{path}/files.zip")
    assert "desk.force.example.key" not in _archive(person)


def test_an_environment_that_does_not_answer_is_told_and_the_others_work(enter: Enter) -> None:
    person = enter(GP)
    register(person, "Nab Systems", "X26E")
    product = add_product(person, "Nab Desk")
    path = endpoint_of(person, "desk.nab.example", "INT1")
    assert "INT1 does not answer" in person.text
    assert "Not registered yet" in person.text
    person.go(f"{path}/certificate")
    assert "First finish the registration." in person.text
    person.send("Register it in INT1")
    assert "INT1 does not answer" in person.text
    person.go(product)
    endpoint_of(person, "desk.nab.example")
    assert "The endpoint is registered" in person.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"fqdn": "*.moor.example"}, "Use a full host name"),
        ({"fqdn": "moor"}, "Use a full host name"),
        ({"fqdn": f"{'a' * 60}.example"}, "Use a full host name"),
        ({"organisation": "?"}, "Use 3 to 10 letters and digits"),
        ({"ranges": "10.1.0.0/16, 10.1.0.1/8"}, "10.1.0.1/8 must be an address or a network"),
        ({"environment": "LIVE"}, "Choose the environment"),
        ({"fqdn": "twice.moor.example"}, "has an endpoint with this name already"),
    ],
)
def test_a_wrong_form_names_its_field(enter: Enter, change: dict[str, str], error: str) -> None:
    person = enter(GP)
    person.go("/partners")
    if "Wrong Systems" not in person.text:
        register(person, "Wrong Systems", "X26W")
        add_product(person, "Wrong Desk")
        endpoint_of(person, "twice.moor.example")
        person.go("/partners")
    person.follow("Wrong Systems")
    person.follow("Wrong Desk")
    person.follow("Register an endpoint")
    given = {"environment": "DEV1", "fqdn": "new.moor.example", "organisation": "D82106", **change}
    person.send("Register", **given)
    assert person.reply.status_code == 422
    assert error in person.text


def test_an_organisation_that_the_environment_does_not_know_is_told(enter: Enter) -> None:
    person = enter(GP)
    register(person, "Dub Systems", "X26U")
    add_product(person, "Dub Desk")
    person.follow("Register an endpoint")
    person.send("Register", environment="DEV1", fqdn="desk.dub.example", organisation="ZZ99")
    assert "ZZ99" in person.text
    assert "Not registered yet" in person.text


def test_a_file_that_is_too_large_is_refused(enter: Enter) -> None:
    person = enter(GP)
    register(person, "Rigg Systems", "X26R")
    add_product(person, "Rigg Desk")
    path = endpoint_of(person, "desk.rigg.example")
    person.go(f"{path}/certificate")
    person.upload("Get the certificate", ("big.csr", b"x" * 70_000))
    assert person.reply.status_code == 413


def test_a_certificate_is_renewed_for_the_same_key_and_revoked(enter: Enter, tested: TestedService) -> None:
    """The ASID stays. A revoked certificate is gone from the endpoint; its key logs in while another one has it."""
    person = enter(GP)
    register(person, "Sike Systems", "X26SK")
    add_product(person, "Sike Desk")
    path = endpoint_of(person, "desk.sike.example")
    person.go(f"{path}/certificate")
    assert "Renew for the same key" not in person.text
    person.send("Get the certificate", request=csr("desk.sike.example"))
    person.follow("Renew the certificate")
    person.send("Renew for the same key")
    assert "The new certificate is issued for the same key." in person.text
    person.go(f"/api/v1{path}")
    endpoint = person.reply.json()["endpoint"]
    first, second = endpoint["certificates"]
    application = Application(f"endpoint-{endpoint['asid']}", _jwk(first["pem"]))
    for number, each in enumerate((first, second)):
        assert log_in(tested.base_url, GP, application).access_token
        person.go(f"{path}/certificates/{each['serial']}/revocation")
        person.send("Revoke it")
        assert "The certificate is revoked." in person.text
        assert person.text.count("revoked") > number
    with pytest.raises(LogInFailed):
        log_in(tested.base_url, GP, application)
    person.go(f"{path}/secret")
    person.send("Make a secret")
    with pytest.raises(LogInFailed):
        log_in(tested.base_url, GP, application)
    person.go(f"{path}/certificates/{first['serial']}/revocation")
    assert person.reply.status_code == 404
    person.go(f"{path}/files.zip")
    assert person.reply.status_code == 404
    person.go(f"{path}/certificate")
    person.send("Get the certificate", request=f"\ufeffé\n{csr('desk.sike.example')}é")  # as editors add to files
    assert log_in(tested.base_url, GP, application).access_token


def _jwk(certificate: str) -> dict[str, str]:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return read_private_key(pem, Unlock(kid=public_key_of(certificate)["kid"]))


@pytest.mark.anyio
async def test_the_contact_is_told_once_that_a_certificate_ends(empty_url: str) -> None:
    """Of endpoints whose last certificate ends within 30 days; not of those that are renewed, revoked or have ended."""
    store = PortalStore(empty_url, (), lambda: NOW)
    await store.open()
    partner = Partner(name="Moor", code="X1", address="1 Mill Lane", contact="Ada", email="ada@moor.example")
    id = await store.partners.register(partner, Member("1", "Ada", Role.MANAGER))
    soon, later, past = (NOW + timedelta(days=days) for days in (SOON_DAYS - 1, SOON_DAYS + 1, -1))
    held = {"soon": [soon], "renewed": [soon, later], "later": [later], "past": [past], "none": []}
    for name, ends in held.items():
        await store.endpoints.add(id, "product", _ending(name, ends))
    await store.endpoints.add(id, "product", _ending("revoked", [soon], revoked=NOW))
    for _ in range(2):
        await warn(store, "https://portal.example")
    (mail,) = [each.mail for each in await store.mails.latest()]
    assert (mail.to, mail.subject) == ("ada@moor.example", "The certificate of soon.example ends soon")
    assert f"https://portal.example/partners/{id}/products/product/endpoints/" in mail.text
    await store.close()


def _ending(name: str, ends: Sequence[datetime], revoked: datetime | None = None) -> Endpoint:
    told = {"pem": "", "trust": "", "fingerprint": ""}
    certificates = tuple(Certificate(**told, serial=f"{name}{at}", not_after=at, revoked=revoked) for at in ends)
    return Endpoint(
        asid=new_asid(),
        environment="DEV1",
        organisation="D82106",
        fqdn=f"{name}.example",
        party_key="",
        certificates=certificates,
    )


@pytest.mark.needs("keytool")
def test_java_reads_the_key_store(tmp_path: Path) -> None:
    certificate = x509.CertificateBuilder(
        issuer_name=(name := x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example")])),
        subject_name=name,
        public_key=KEY.public_key(),
        serial_number=1,
        not_valid_before=NOW,
        not_valid_after=NOW + timedelta(days=1),
    ).sign(KEY, hashes.SHA256())
    store = tmp_path / "a.jks"
    store.write_bytes(java_key_store("A.example", KEY, [certificate], "pass word", NOW))
    command = ["keytool", "-list", "-v", "-keystore", str(store), "-storetype", "JKS", "-storepass", "pass word"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Alias name: a.example" in told
    assert "PrivateKeyEntry" in told


def test_a_start_script_finds_its_password_and_says_what_is_missing(tmp_path: Path) -> None:
    for name, text in start_scripts().items():
        (tmp_path / name).write_text(text)
    command = ["/bin/sh", str(tmp_path / "runme.sh")]
    bare = {"PATH": "/nowhere:/usr/bin:/bin"}
    told = subprocess.run(command, capture_output=True, text=True, check=False, env=bare)
    assert (told.returncode, told.stderr) == (1, "Quick Connect is missing: README.txt names two ways to get it.\n")
    (tmp_path / "password.txt").write_text("key to it\nThe line above …\n")
    found = tmp_path / "openers"
    found.write_text('#!/bin/sh\necho "$QUICKCONNECT_KEY_PASSWORD: $*"\n')
    found.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for given, run in (([], "serve"), (["check", "--json"], "check --json")):
        told = subprocess.run([*command, *given], capture_output=True, text=True, check=True, env=env)
        assert told.stdout == f"key to it: quickconnect {run}\n"


@pytest.mark.anyio
async def test_a_certificate_whose_reply_was_lost_is_taken_back(
    empty_url: str, portal_environment: EnvironmentSettings
) -> None:
    """Stopped after the environment has issued it, the portal lets it forget it later; a second one stays."""
    now = [NOW]
    store, environment = PortalStore(empty_url, (), lambda: now[0]), Environment(portal_environment)
    await store.open()
    asid, environments = new_asid(), {"DEV1": environment}
    wanted = Endpoint(
        asid=asid, environment="DEV1", organisation="D82106", fqdn="lost.moor.example", party_key="D82106-1"
    )
    record = {"asid": asid, "environment": "DEV1", "organisation": "D82106", "fqdn": wanted.fqdn, "status": "requested"}
    await environment.put("endpoints", asid, record)
    lost = Partner(name="Lost", code="X26LO", address="1 Mill Lane", contact="Ada", email="ada@moor.example")
    partner = await store.partners.register(lost, Member("1", "Ada", Role.MANAGER))
    await store.endpoints.add(partner, "desk", wanted)

    async def _ask() -> Certificate:
        await store.endpoints.change(asid, lambda one: one.asking(now[0]))
        issued = await environment.issue(asid, csr(wanted.fqdn), 30)
        return Certificate(
            pem=issued.certificate,
            trust="",
            fingerprint=issued.fingerprint,
            serial=issued.serial,
            not_after=issued.not_after,
        )

    async def _held() -> set[str]:
        await undo_lost(store, environments)
        present = await environment.read("endpoints", asid)
        return set() if present is None else {each["fingerprint"] for each in present.record["certificates"]}

    first = await _ask()  # the portal stops here
    assert await _held() == {first.fingerprint}, "a reply may still come"
    second = await _ask()
    await store.endpoints.change(asid, lambda one: one.answered(second))
    assert await _held() == {first.fingerprint, second.fingerprint}
    now[0] += timedelta(minutes=3)
    assert await _held() == {second.fingerprint}
    settled = await store.endpoints.one(partner, "desk", asid)
    assert settled is not None
    assert (settled.asked, settled.lost, len(settled.certificates)) == (None, False, 1)
    third = await _ask()
    await store.endpoints.change(asid, lambda one: one.answered(third))
    now[0] += timedelta(minutes=3)
    assert await _held() == {second.fingerprint, third.fingerprint}
    await environment.close()
    await store.close()
