"""Pages of a partner: registration, the partner itself, and its people."""

from __future__ import annotations

from starlette.responses import Response

from openers_portal.access import PARTNER, Act, Reach, Role
from openers_portal.rules.partners import CODE, MAIL, SUBJECT, Partner
from openers_portal.store.partners import LastManager, Member, StoredPartner, Taken
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form


async def mine(me: Visitor) -> Response:
    """Show the partners of the visitor; staff see all."""
    wanted = None if me.reach(Act.READ_PARTNER) is Reach.ALL else list(me.roles.partners)
    return me.show("partners.html", {"partners": await me.store.partners.all(wanted)})


async def register(me: Visitor) -> Response:
    """Show the form of registration, and register a partner with the visitor as its manager."""
    form = await me.form()
    if me.is_sent:
        wanted = _partner(form)
        if not form.errors:
            try:
                id = await me.store.partners.register(wanted, Member(me.subject, me.name, Role.MANAGER))
                return me.go(f"/partners/{id}", f"{wanted.name} is registered. Next, register a product.")
            except Taken:
                form.reject("code", "This code is registered already. Ask its manager to add you")
    return me.show("register.html", {"fields": list(Partner.__struct_fields__)}, form=form)


async def partner(me: Visitor) -> Response:
    """Show a partner with its products and people."""
    found = await partner_of(me)
    data = {
        "partner": found,
        "products": await me.store.partners.products(found.id),
        "people": await me.store.partners.members(found.id),
        "may_change": me.covers(Act.CHANGE_PRODUCT, found.id),
        "may_add": me.covers(Act.CHANGE_PEOPLE, found.id),
    }
    return me.show("partner.html", data)


async def people(me: Visitor) -> Response:
    """Show who belongs to a partner; add, change or remove one person."""
    found, form = await partner_of(me), await me.form()
    if me.is_sent:
        subject, removed = _subject(form), form.text("act") == "remove"
        role, name = form.text("role"), form.text("name")[:200]
        if not removed and role not in PARTNER:
            form.reject("role", "Choose a role")
        if not form.errors:
            try:
                if removed:
                    await me.store.partners.remove_member(found.id, subject)
                else:
                    await me.store.partners.put_member(found.id, Member(subject, name or subject, Role(role)))
                return me.go(f"/partners/{found.id}/people", "Removed." if removed else f"{name or subject} is {role}.")
            except LastManager:
                form.reject("", "A partner needs a manager: make another person a manager first")
    data = {"partner": found, "people": await me.store.partners.members(found.id), "roles": list(PARTNER)}
    return me.show("people.html", data, form=form)


async def partner_of(me: Visitor) -> StoredPartner:
    """Return the partner in the address. Raises NotHere."""
    found = await me.store.partners.partner(me.part("partner"))
    if found is None:
        raise NotHere
    return found


def _subject(form: Form) -> str:
    subject = form.required("subject", "Enter the id of the person", at_most=100)
    if subject and not SUBJECT.fullmatch(subject):
        form.reject("subject", "Enter the id without blanks, as the log-in gives it")
    return subject


def _partner(form: Form) -> Partner:
    """Return what the form says; record its errors."""
    code = form.required("code", "Enter the ODS code or the company registration number", 40).upper()
    if code and not CODE.fullmatch(code):
        form.reject("code", "Use 3 to 10 letters and digits, such as X26A or 01234567")
    email = form.required("email", "Enter an e-mail address", 300)
    if email and not MAIL.fullmatch(email):
        form.reject("email", "Enter an address such as name@example.org")
    consents = form.texts("consents")
    if "terms" not in consents:
        form.reject("consents", "Accept the Special Terms to register")
    return Partner(
        name=form.required("name", "Enter the name of the organisation", 200),
        code=code,
        address=form.required("address", "Enter the address", 500),
        contact=form.required("contact", "Enter the name of a contact", 200),
        email=email,
        telephone=form.text("telephone")[:40],
        is_public="public" in consents,
        wants_news="news" in consents,
    )
