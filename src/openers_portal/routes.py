"""Which address shows which page, and the right that it needs. The same addresses below `/api/v1` return its data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.pages import (
    asking,
    assurance,
    cards,
    cases,
    catalogue,
    documents,
    editing,
    endpoints,
    faq,
    interest,
    notices,
    packs,
    partners,
    pas,
    products,
    public,
    staff,
)
from openers_portal.pages.assuring import exports, hazards, tom
from openers_portal.visitor import Visitor

READ: Final = ("GET",)
FORM: Final = ("GET", "POST")
SENT: Final = ("POST",)
PRODUCT: Final = "/partners/{partner}/products/{product}"
PACK: Final = "/partners/{partner}/packs/{pack}"
SIGNED: Final = "/partners/{partner}/documents/{document}"
TOM: Final = f"{PRODUCT}/tom/{{environment}}"
ENDPOINT: Final = endpoints.PLACE


class Page(NamedTuple):
    """A page: its address, its right, its methods, and what it shows. One with data has an address in the API too."""

    path: str
    show: Callable[[Visitor], Awaitable[Response]]
    summary: str
    act: Act = Act.READ
    methods: tuple[str, ...] = READ
    parameters: Mapping[str, str] = {}
    is_data: bool = True


PAGES: Final = (
    Page("/", public.overview, "What the service does, and how to begin"),
    Page("/get-connected", public.get_connected, "The steps to the first call"),
    Page("/costs", public.costs, "What it costs"),
    Page("/glossary", public.glossary, "The words of the interface"),
    Page("/catalogue", catalogue.catalogue, "The operations on a day", parameters={"on": "A day, as 2018-06-01"}),
    Page("/catalogue/{operation}", catalogue.operation, "One operation with its history"),
    Page("/faq", faq.search, "Questions and answers", parameters={"q": "Words that must be there"}),
    Page("/faq/{number}", faq.question, "One question with its answer"),
    Page("/documents", documents.everything, "The documents that partners sign"),
    Page("/documents/{document}", documents.text, "The text of a document"),
    Page("/notices", notices.notices, "News and forward notices"),
    Page("/notices/{item}", notices.notice, "One notice"),
    Page("/roadmap", notices.roadmap, "What is planned"),
    Page("/environments", notices.environments, "The environments and their states"),
    Page("/ask", asking.ask, "The form of a question to the desk", methods=FORM),
    Page("/ask/{id}", asking.question, "A question and its conversation", methods=FORM, is_data=False),
    Page("/interest", interest.interest, "The form of the interest list", methods=FORM),
    Page("/interest/confirm/{id}", interest.confirm, "Puts an address on the list", methods=FORM, is_data=False),
    Page("/interest/leave/{id}", interest.leave, "Deletes an address from the list", methods=FORM, is_data=False),
    Page("/interest/list", interest.everybody, "The interest list", Act.READ_INTEREST),
    Page("/interest/list.csv", interest.export, "The interest list as CSV", Act.READ_INTEREST, is_data=False),
    Page("/outbox", interest.outbox, "The messages of a test portal"),
    Page("/edit", editing.items, "All items of the editors", Act.EDIT),
    Page("/edit/{item}", editing.edit, "One item with its versions", Act.EDIT, FORM),
    Page("/partners", partners.mine, "The partners of the visitor", Act.REGISTER),
    Page("/partners/register", partners.register, "The form of registration", Act.REGISTER, FORM),
    Page("/partners/{partner}", partners.partner, "One partner with its products and people", Act.READ_PARTNER),
    Page("/partners/{partner}/people", partners.people, "Who belongs to a partner", Act.CHANGE_PEOPLE, FORM),
    Page("/partners/{partner}/cards", cards.of_partner, "The smartcards of a partner", Act.READ_PARTNER),
    Page("/partners/{partner}/cards/new", cards.new, "The form of smartcards", Act.CARDS, FORM),
    Page("/partners/{partner}/packs", packs.of_partner, "The test packs of a partner", Act.READ_PARTNER),
    Page("/partners/{partner}/packs/new", packs.new, "The form of a test pack", Act.PACKS, FORM),
    Page(PACK, packs.pack, "One test pack", Act.READ_PARTNER),
    Page(f"{PACK}/reset", packs.pack, "Puts a pack back", Act.PACKS, SENT, is_data=False),
    Page(f"{PACK}/{{file}}", packs.file, "A file of a pack", Act.READ_PARTNER, is_data=False),
    Page("/partners/{partner}/documents", documents.of_partner, "Documents and signatures", Act.READ_PARTNER),
    Page(SIGNED, documents.sign, "A document of a partner", Act.READ_PARTNER),
    Page(f"{SIGNED}/signature", documents.sign, "Signs a document", Act.SIGN, SENT, is_data=False),
    Page(f"{SIGNED}/pdf", documents.pdf, "A document as PDF", Act.READ_PARTNER, is_data=False),
    Page(
        "/partners/{partner}/pas",
        pas.link,
        "A service with its first slots",
        Act.READ_PARTNER,
        parameters={"environment": "Name of the environment", "service": "Number of the service"},
    ),
    Page("/partners/{partner}/pas", pas.link, "Links a service", Act.CONNECT, SENT, is_data=False),
    Page("/partners/{partner}/products/new", products.new, "The form of a product", Act.CHANGE_PRODUCT, FORM),
    Page(PRODUCT, products.product, "One product with its milestones and their evidence", Act.READ_PARTNER),
    Page(f"{PRODUCT}/settings", products.settings, "How a product uses the service", Act.CHANGE_PRODUCT, FORM),
    Page(
        f"{PRODUCT}/assurance",
        assurance.assurance,
        "The assessment of a product in an environment",
        Act.READ_PARTNER,
        parameters={"environment": "Name of the environment"},
    ),
    Page(f"{PRODUCT}/assurance/statement", assurance.assurance, "A statement", Act.CHANGE_PRODUCT, SENT, is_data=False),
    Page(f"{PRODUCT}/assurance/beginning", assurance.begin, "Begins anew", Act.CHANGE_PRODUCT, SENT, is_data=False),
    Page(f"{PRODUCT}/assurance.pdf", exports.pdf, "The assessment as PDF", Act.READ_PARTNER, is_data=False),
    Page(f"{PRODUCT}/assurance.xlsx", exports.sheet, "The assessment as a sheet", Act.READ_PARTNER, is_data=False),
    Page(f"{PRODUCT}/hazards", hazards.log, "The hazard log of a product", Act.READ_PARTNER),
    Page(f"{PRODUCT}/hazards/{{hazard}}", hazards.hazard, "One hazard with its answers", Act.READ_PARTNER),
    Page(f"{PRODUCT}/hazards/{{hazard}}/answers", hazards.hazard, "Answers", Act.CHANGE_PRODUCT, SENT, is_data=False),
    Page(
        f"{PRODUCT}/tom",
        tom.overview,
        "The forms of the operating model",
        Act.READ_PARTNER,
        parameters={"environment": "Name of the environment"},
    ),
    Page(f"{TOM}/outcome", tom.decide, "Stores the outcome of the approval", Act.APPROVE, SENT, is_data=False),
    Page(f"{TOM}/{{tab}}", tom.tab, "One form of the operating model", Act.READ_PARTNER),
    Page(f"{TOM}/{{tab}}/answers", tom.tab, "Answers of a form", Act.CHANGE_PRODUCT, SENT, is_data=False),
    Page(f"{PRODUCT}/endpoints/new", endpoints.new, "The form of an endpoint", Act.CONNECT, FORM),
    Page(ENDPOINT, endpoints.endpoint, "One endpoint with its certificates", Act.READ_PARTNER),
    Page(f"{ENDPOINT}/registration", endpoints.endpoint, "Finishes a registration", Act.CONNECT, SENT, is_data=False),
    Page(f"{ENDPOINT}/certificate", endpoints.certificate, "The form of a certificate", Act.CONNECT, FORM),
    Page(f"{ENDPOINT}/certificates/{{serial}}/revocation", endpoints.revoke, "The end of one", Act.CONNECT, FORM),
    Page(f"{ENDPOINT}/secret", endpoints.secret, "The form of a secret", Act.CONNECT, FORM),
    Page(f"{ENDPOINT}/files.zip", endpoints.files, "The files of an endpoint", Act.READ_PARTNER, is_data=False),
    Page("/partners/{partner}/cases", cases.of_partner, "The cases of a partner", Act.READ_PARTNER),
    Page("/partners/{partner}/cases/new", cases.new, "The form of a case", Act.ASK_DESK, FORM),
    Page("/partners/{partner}/cases/{case}", cases.case, "A case and its conversation", Act.READ_PARTNER),
    Page("/partners/{partner}/cases/{case}/step", cases.case, "A step of a case", Act.ASK_DESK, SENT, is_data=False),
    Page("/desk", cases.queue, "The queue of the desk", Act.WORK_DESK, parameters={"all": "Ended cases too"}),
    Page("/desk/{case}", cases.work, "A case for an agent", Act.WORK_DESK, FORM),
    Page("/staff", staff.staff, "The roles of staff", Act.GIVE_ROLES, FORM),
)
