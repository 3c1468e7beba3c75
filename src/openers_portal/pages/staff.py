"""The page of operators: who is staff, in which roles."""

from __future__ import annotations

from starlette.responses import Response

from openers_portal.access import STAFF, Role
from openers_portal.rules.partners import SUBJECT
from openers_portal.visitor import Visitor


async def staff(me: Visitor) -> Response:
    """Show the stored roles of staff; replace those of one person."""
    form = await me.form()
    if me.is_sent:
        subject = form.required("subject", "Enter the id of the person", at_most=100)
        if subject and not SUBJECT.fullmatch(subject):
            form.reject("subject", "Enter the id without blanks, as the log-in gives it")
        roles = [Role(each) for each in form.texts("roles") if each in STAFF]
        if not form.errors:
            await me.store.staff.give(subject, roles)
            return me.go("/staff", f"{subject} has {len(roles)} roles now.")
    return me.show("staff.html", {"staff": await me.store.staff.all(), "roles": list(STAFF)}, form=form)
