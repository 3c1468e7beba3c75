"""Pages of test packs: those of a partner, the form of a new one, one pack with its files, and putting it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.environment import EnvironmentDown
from openers_portal.packing import finish_pack
from openers_portal.pages.partners import partner_of
from openers_portal.rules import pack_files, packs
from openers_portal.rules.packs import MOST_OF_PARTNER, SEEDS, Pack
from openers_portal.store.packs import PackState, SeedTaken, StoredPack, TooManyPacks
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form
from openers_web.headers import PAGE_HEADERS
from openers_web.xlsx_files import XLSX, workbook_bytes

JSON: Final = "application/json"


async def of_partner(me: Visitor) -> Response:
    """Show the packs of a partner."""
    partner = await partner_of(me)
    may_ask = me.covers(Act.PACKS, partner.id)
    data = {"partner": partner, "packs": await me.store.packs.of_partner(partner.id), "may_ask": may_ask}
    return me.show("packs.html", data)


async def new(me: Visitor) -> Response:
    """Show the form of a pack, and make it in its environment."""
    partner, form = await partner_of(me), await me.form()
    names = [name for name, each in me.house.environments.items() if each.settings.test_mode]
    if me.is_sent:
        wanted = _read(me, form, names)
        if wanted is not None:
            try:
                stored = await me.store.packs.ask(partner.id, wanted)
            except SeedTaken:
                form.reject("seed", f"{wanted.environment} has a pack of this number. Choose another one")
            except TooManyPacks:
                form.reject("", f"A partner gets at most {MOST_OF_PARTNER} packs. Put one of yours back instead")
            else:
                return await _finished(me, stored, "The pack is made.")
    return me.show("pack_new.html", {"partner": partner, "environments": names, "most": SEEDS[-1]}, form=form)


async def pack(me: Visitor) -> Response:
    """Show a pack with its people, services and odd patients; put it back if that is asked for."""
    partner, found = await partner_of(me), await _one(me)
    if me.is_sent:
        await me.form()
        if found.state is PackState.MADE:
            await me.store.packs.set(found.id, PackState.WAITING, found.pack)
        return await _finished(me, found, "The pack is as it was made.")
    seed = found.pack.seed
    data = {
        "partner": partner,
        "pack": found,
        "organisations": packs.organisations(seed),
        "people": packs.people(seed),
        "services": packs.services(seed),
        "odd": [each._asdict() for each in packs.odd(seed)],
        "count": packs.PATIENTS,
        "may_ask": me.covers(Act.PACKS, partner.id),
    }
    return me.show("pack.html", data)


async def file(me: Visitor) -> Response:
    """Return a file of a pack. Raises NotHere for another name, and before the pack is made."""
    found, name = await _one(me), me.part("file")
    if not found.pack.made:
        raise NotHere
    base_url = me.house.environments[found.pack.environment].settings.base_url
    match name:
        case "pack.xlsx":
            content, media_type = workbook_bytes(pack_files.sheets(found.pack)), XLSX
        case "pack.json":
            content, media_type = pack_files.as_json(found.pack), JSON
        case "postman-environment.json":
            content, media_type = pack_files.postman_environment(found.pack, base_url), JSON
        case "http-client.env.json":
            content, media_type = pack_files.http_environment(found.pack, base_url), JSON
        case _:
            raise NotHere
    headers = {**PAGE_HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=media_type)


async def _one(me: Visitor) -> StoredPack:
    """Return the pack in the address. Raises NotHere."""
    found = await me.store.packs.one(me.part("partner"), me.part("pack"))
    if found is None or found.pack.environment not in me.house.environments:
        raise NotHere
    return found


async def _finished(me: Visitor, stored: StoredPack, said: str) -> Response:
    place = f"/partners/{me.part('partner')}/packs/{stored.id}"
    try:
        refusal = await finish_pack(stored, me.store, me.house.environments[stored.pack.environment])
    except EnvironmentDown as error:
        return me.go(place, f"{error}. The pack is made as soon as it does.", problem=True)
    return me.go(place, refusal or said, problem=bool(refusal))


def _read(me: Visitor, form: Form, environments: Sequence[str]) -> Pack | None:
    """Return what the form says; `None` if it has errors."""
    environment, seed = form.text("environment"), form.text("seed")
    if environment not in environments:
        form.reject("environment", "Choose the environment")
    if not (seed.isascii() and seed.isdecimal() and len(seed) < 5 and int(seed) in SEEDS):
        form.reject("seed", f"Enter a number from {SEEDS[0]} to {SEEDS[-1]}")
    return None if form.errors else Pack(environment=environment, seed=int(seed), by=me.name)
