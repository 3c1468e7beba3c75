"""Pages of an endpoint: registration, certificates, secret of its application, and the files to take away."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio.to_thread
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.environment import Environment, EnvironmentDown, EnvironmentRefuses, Issued
from openers_portal.pages.partners import partner_of
from openers_portal.pages.products import product_of
from openers_portal.rules import endpoints as rules
from openers_portal.rules.bundles import About, bundle, lines, make_pair, public_key_of
from openers_portal.rules.endpoints import DAYS, SOON_DAYS, Certificate, Endpoint
from openers_portal.rules.milestones import Event, Happening
from openers_portal.rules.signing_requests import LONGEST, Check, alone, checks
from openers_portal.store.endpoints import HostTaken
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form
from openers_web.headers import PAGE_HEADERS

PLACE: Final = "/partners/{partner}/products/{product}/endpoints/{asid}"
REDIRECT: Final = "http://127.0.0.1/callback"
"""Address to which a log-in of a new application returns: a program on the user's own machine, on any port."""
SECRET_BYTES: Final = 24
MOST_KEYS: Final = 10
"""Keys of an application in an environment, the newest of an endpoint's certificates."""


async def new(me: Visitor) -> Response:
    """Show the form of an endpoint, and register it in its environment."""
    partner, product, form = await partner_of(me), await product_of(me), await me.form()
    names = list(me.house.environments)
    if me.is_sent:
        wanted = _endpoint(form, names)
        if wanted is not None:
            try:
                await me.store.endpoints.add(partner.id, product.id, wanted)
            except HostTaken:
                form.reject("fqdn", f"{wanted.environment} has an endpoint with this name already")
            else:
                return await _finished(me, wanted)
    data = {"partner": partner, "product": product, "environments": names}
    return me.show("endpoint_new.html", data, form=form)


async def endpoint(me: Visitor) -> Response:
    """Show an endpoint; finish its registration if the environment did not answer before."""
    found = await endpoint_of(me)
    if me.is_sent:
        await me.form()
        return await _finished(me, found)
    data = {
        "partner": await partner_of(me),
        "product": await product_of(me),
        "endpoint": found,
        "client_id": found.client_id,
        "ends_soon": found.ends_soon(me.house.clock()),
        "days": SOON_DAYS,
        "may_connect": me.covers(Act.CONNECT, me.part("partner")),
        "lines": lines(_about(me, found)),
        "makes_keys": _environment(me, found).settings.test_mode,
    }
    return me.show("endpoint.html", data)


async def certificate(me: Visitor) -> Response:
    """Show the form of a request; have it signed, or make a key pair and give it away with its certificate."""
    found = await endpoint_of(me)
    if not found.is_registered:
        return me.go(_path(me, found.asid), "First finish the registration.", problem=True)
    failed: Sequence[Check] = ()
    form, uploaded = await me.form_with_file() if me.is_sent else (await me.form(), "")
    if me.is_sent and form.text("act") == "make" and _environment(me, found).settings.test_mode:
        pair = await anyio.to_thread.run_sync(make_pair, found.fqdn)
        issued = await _issued(me, form, found, pair.request)
        if issued is not None:
            return _archive(me, found, issued, pair.key)
    elif me.is_sent and form.text("act") == "renew" and _renewable(found):
        if await _issued(me, form, found, _renewable(found)) is not None:
            return me.go(_path(me, found.asid), "The new certificate is issued for the same key.")
    elif me.is_sent:
        pem = uploaded or form.required("request", "Paste the request, or choose its file", LONGEST)
        results = checks(pem, found.fqdn) if pem else ()
        failed = results if any(not each.holds for each in results) else ()
        if failed:
            form.reject("request", next(each.told for each in results if not each.holds))
        if not form.errors and await _issued(me, form, found, alone(pem)) is not None:
            return me.go(_path(me, found.asid), "The certificate is issued and registered.")
    data = {
        "partner": me.part("partner"),
        "product": me.part("product"),
        "endpoint": found,
        "checks": failed,
        "lines": lines(_about(me, found))[:2],
        "is_renewable": bool(_renewable(found)),
        "makes_keys": _environment(me, found).settings.test_mode,
    }
    return me.show("endpoint_certificate.html", data, form=form)


async def revoke(me: Visitor) -> Response:
    """Ask before a certificate is revoked, and revoke it. Raises NotHere for one that is revoked already."""
    found, form = await endpoint_of(me), await me.form()
    chosen = next((each for each in found.valid if each.serial == me.part("serial")), None)
    if chosen is None:
        raise NotHere
    if me.is_sent:
        try:
            await _environment(me, found).revoke(found.asid, chosen.serial)
            left = [each.pem for each in found.valid if each.serial != chosen.serial]
            await _register_application(me, found, {"keys": _keys_of(left)})
        except (EnvironmentDown, EnvironmentRefuses) as error:
            form.reject("", _told(error))
        else:
            await _mark_revoked(me, found, chosen.serial)
            return me.go(_path(me, found.asid), "The certificate is revoked.")
    data = {"partner": me.part("partner"), "product": me.part("product"), "endpoint": found, "certificate": chosen}
    return me.show("endpoint_revoke.html", data, form=form)


async def secret(me: Visitor) -> Response:
    """Ask before a new secret is made; then register it as its digest, and show it this once."""
    found, form = await endpoint_of(me), await me.form()
    shown = ""
    if me.is_sent:
        shown = secrets.token_urlsafe(SECRET_BYTES)
        digest = hashlib.sha256(shown.encode()).hexdigest()
        try:
            keys = _keys_of([each.pem for each in found.valid])  # a revoked key does not come back with the secret
            await _register_application(me, found, {"secret_sha256": digest, "keys": keys})
        except (EnvironmentDown, EnvironmentRefuses) as error:
            form.reject("", _told(error))
            shown = ""
    data = {"partner": me.part("partner"), "product": me.part("product"), "endpoint": found}
    secret_data = {**data, "secret": shown, "client_id": found.client_id}
    return me.show("endpoint_secret.html", secret_data, form=form)


async def files(me: Visitor) -> Response:
    """Return the files of an endpoint without any key. Raises NotHere before it has a certificate."""
    found = await endpoint_of(me)
    if not found.valid:
        raise NotHere
    return _archive(me, found, found.valid[-1], None)


async def endpoint_of(me: Visitor) -> Endpoint:
    """Return the endpoint in the address, if it belongs to the product there. Raises NotHere."""
    found = await me.store.endpoints.one(me.part("partner"), me.part("product"), me.part("asid"))
    if found is None or found.environment not in me.house.environments:
        raise NotHere
    return found


async def _finished(me: Visitor, wanted: Endpoint) -> Response:
    """Register the endpoint in its environment, and show it. A repetition changes nothing there."""
    product = (await product_of(me)).product
    record = {
        "asid": wanted.asid,
        "environment": wanted.environment,
        "organisation": wanted.organisation,
        "fqdn": wanted.fqdn,
        "product": product.name,
        "version": product.version,
        "party_key": wanted.party_key,
        "source_addresses": list(wanted.ranges),
        "status": "requested",
    }
    if wanted.is_registered:
        return me.go(_path(me, wanted.asid), "The endpoint is registered already.")
    try:
        await _environment(me, wanted).put("endpoints", wanted.asid, record)
    except (EnvironmentDown, EnvironmentRefuses) as error:
        return me.go(_path(me, wanted.asid), _told(error), problem=True)
    await me.store.endpoints.change(wanted.asid, lambda one: msgspec.structs.replace(one, is_registered=True))
    told = f"Endpoint {wanted.fqdn} has the ASID {wanted.asid} in {wanted.environment}"
    await _note(me, Happening.ENDPOINT, told, wanted.asid)
    return me.go(_path(me, wanted.asid), "The endpoint is registered. Next, get its certificate.")


async def _issued(me: Visitor, form: Form, found: Endpoint, request: str) -> Issued | None:
    """Have a request signed and store the certificate; `None` with an error in the form if that fails."""
    keys = _keys_of([*(each.pem for each in found.valid), request])
    try:
        await me.store.endpoints.change(found.asid, lambda one: one.asking(me.house.clock()))
        await _register_application(me, found, {"keys": keys})
        issued = await _environment(me, found).issue(found.asid, request, DAYS)
    except EnvironmentDown as error:
        form.reject("", _told(error))
        return None
    except EnvironmentRefuses as error:
        await me.store.endpoints.change(found.asid, lambda one: one.answered())
        form.reject("", _told(error))
        return None
    kept = Certificate(
        pem=issued.certificate,
        trust=issued.trust,
        fingerprint=issued.fingerprint,
        serial=issued.serial,
        not_after=issued.not_after,
        request=request,
    )
    await me.store.endpoints.change(found.asid, lambda one: one.answered(kept))
    await _note(me, Happening.CERTIFICATE, f"Certificate {issued.serial} was issued for {found.fqdn}", issued.serial)
    return issued


async def _mark_revoked(me: Visitor, found: Endpoint, serial: str) -> None:
    now = me.house.clock()

    def _with(one: Endpoint) -> Endpoint:
        marked = (
            msgspec.structs.replace(each, revoked=now) if each.serial == serial else each for each in one.certificates
        )
        return msgspec.structs.replace(one, certificates=tuple(marked))

    await me.store.endpoints.change(found.asid, _with)
    await _note(me, Happening.REVOCATION, f"Certificate {serial} of {found.fqdn} was revoked", serial)


async def _register_application(me: Visitor, found: Endpoint, change: Mapping[str, Any]) -> None:
    """Register the application of an endpoint, or change it. Without any key and secret, it ends.

    Raises EnvironmentDown, EnvironmentRefuses.
    """
    product, environment = (await product_of(me)).product, _environment(me, found)
    fixed = {
        "client_id": found.client_id,
        "name": f"{product.name} ({found.fqdn})"[:200],
        "mode": "user-restricted",
        "asid": found.asid,
        "redirect_uris": [REDIRECT],
    }
    present = await environment.read("applications", found.client_id)
    kept = {} if present is None else present.record
    record: dict[str, Any] = {**kept, **fixed, **change, "active": True}
    if not record.get("secret_sha256") and not record.get("keys", {}).get("keys"):
        record |= {"keys": kept.get("keys", {}), "active": False}
    await environment.put("applications", found.client_id, record)


def _keys_of(texts: Sequence[str]) -> dict[str, Any]:
    """Return the keys of certificates and requests (PEM), with which an application logs in."""
    keys = {each["kid"]: each for each in map(public_key_of, texts)}
    return {"keys": list(keys.values())[-MOST_KEYS:]}


def _renewable(found: Endpoint) -> str:
    """Return the request with which the last certificate can be renewed; empty if there is none."""
    return found.valid[-1].request if found.valid else ""


async def _note(me: Visitor, kind: Happening, told: str, once: str) -> None:
    event = Event(kind=kind, at=me.house.clock(), by=me.name, evidence=told)
    await me.store.partners.happened(me.part("product"), event, f"{kind} {once}")


def _archive(me: Visitor, found: Endpoint, of: Issued | Certificate, key: RSAPrivateKey | None) -> Response:
    pem = of.certificate if isinstance(of, Issued) else of.pem
    headers = {**PAGE_HEADERS, "content-disposition": f'attachment; filename="{found.fqdn}.zip"'}
    content = bundle(_about(me, found), pem, of.trust, key, me.house.clock())
    return Response(content, headers=headers, media_type="application/zip")


def _endpoint(form: Form, environments: Sequence[str]) -> Endpoint | None:
    """Return what the form says, with a new ASID; `None` if it has errors."""
    environment = form.text("environment")
    if environment not in environments:
        form.reject("environment", "Choose the environment")
    fqdn = form.required("fqdn", "Enter the host name (FQDN) of the endpoint", 300).lower()
    if fqdn and not rules.is_host(fqdn):
        form.reject("fqdn", "Use a full host name of at most 64 characters, such as ers.surgery.example")
    organisation = form.required("organisation", "Enter the ODS code of the organisation", 40).upper()
    if organisation and not rules.ODS.fullmatch(organisation):
        form.reject("organisation", "Use 3 to 10 letters and digits, such as D82106")
    ranges: tuple[str, ...] = ()
    try:
        ranges = rules.read_ranges(form.text("ranges"))
    except ValueError as error:
        form.reject("ranges", str(error))
    if form.errors:
        return None
    return Endpoint(
        asid=rules.new_asid(),
        environment=environment,
        organisation=organisation,
        fqdn=fqdn,
        party_key=rules.new_party_key(organisation),
        ranges=ranges,
    )


def _environment(me: Visitor, found: Endpoint) -> Environment:
    return me.house.environments[found.environment]


def _about(me: Visitor, found: Endpoint) -> About:
    return About(found.fqdn, _environment(me, found).settings.base_url, found.client_id)


def _told(error: EnvironmentDown | EnvironmentRefuses) -> str:
    return f"{error.cause}: {error.cure}" if isinstance(error, EnvironmentRefuses) else f"{error}. Try again later"


def _path(me: Visitor, asid: str) -> str:
    return PLACE.format(partner=me.part("partner"), product=me.part("product"), asid=asid)
