"""Change the shortlist of a referral: other services for the same need. A booked appointment is cancelled first."""

from __future__ import annotations

from starlette.responses import Response

from openers_client import Criteria, InvalidRequest, NewShortlist, Search, Shortlist
from openers_client.records.referral import Referral
from openers_client.requests.shortlists import LETTER_LATER, NO_LETTER
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.new_request import BOOKABLE, MOST_SERVICES
from openers_quickconnect.pages.referrals import files_of
from openers_quickconnect.pages.shown import identity, ubrn
from openers_web.layout import Link


async def shortlist(desk: Desk) -> Response:
    """Show the services that suit, with those on the shortlist ticked, and replace the shortlist."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    form, here = await desk.form(), desk.at("referrals", referral.ubrn)
    criteria = _criteria(referral)
    if desk.is_sent:
        chosen = form.texts("service")[:MOST_SERVICES]
        if not chosen:
            form.reject("service", "Choose at least one service")
        else:
            letter = NO_LETTER if files_of(referral) else LETTER_LATER
            new = NewShortlist(shortlist=Shortlist(chosen, criteria), letter=letter, reminder_days=14)
            try:
                await desk.caller.change_shortlist(referral, new)
            except InvalidRequest as error:
                form.reject("service", error.diagnostics or "The service does not accept this shortlist")
            else:
                return desk.go(here, "The shortlist is changed. The referral has to be booked again.")
    search = Search(patient=referral.patient or "", criteria=criteria)
    found = await desk.caller.search_services(search)
    names = await desk.names(
        organisations=[each.organisation or "" for each in found], patients=[referral.patient or ""]
    )
    on_it = {each.id for each in referral.shortlist}
    return desk.page(
        "shortlist.html",
        back=Link("Referral", here),
        **identity(desk, names.patients.get(referral.patient or ""), referral.patient or ""),
        number=ubrn(referral.ubrn),
        found=found,
        trusts=names.organisations,
        ticked=set(form.texts("service")) or on_it,
        form=form,
        bookable=BOOKABLE,
        status=422 if form.errors else 200,
    )


def _criteria(referral: Referral) -> Criteria:
    return Criteria(
        priority=referral.priority or "ROUTINE", specialty=referral.specialty, clinic_type=referral.clinic_type
    )
