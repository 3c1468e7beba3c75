"""The examples as calls of the Python client, and as requests of a `.http` file.

Each has the lines of one example. `{ubrn}` and others stand for the values of its request. The tests run the lines and
compare what they send with the example.
"""

from __future__ import annotations

import json
import re
from typing import Final

from openers.api.examples import RECORDED_AT, Example, example_name, path_values, query_values
from openers.api.operation import Operation
from tests.kit.examples.layout import laid_out

CALLERS: Final = {"REFERRING_CLINICIAN": "gp", "SERVICE_PROVIDER_CLINICIAN": "consultant"}
"""The names of the callers by their functions."""
REFERRED: Final = {
    "ubrn": r"(?:ReferralRequest|CommunicationRequest)/(\d+)",
    "file": r"Binary/([\w-]+)",
    "request": r'"https://fhir.nhs.uk/Id/UBRN", "value": "(\d+)"',
}
"""Where a request names a record outside of its path."""
READ: Final = 'referral = await {who}.read_referral("{ubrn}")\n'
READ_ADVICE: Final = 'request = await {who}.read_advice_request("{ubrn}")\n'
CRITERIA: Final = 'heart = Criteria(specialty="CARDIOLOGY", clinic_type="HEART_FAILURE", postcode="LS1 4HT")\n'
LINES: Final = {
    "a004": 'priorities = await {who}.code_system("PRIORITY")',
    "a005": 'referral = await {who}.read_referral("{ubrn}")',
    "a005-version": 'referral = await {who}.read_referral("{ubrn}", version={version})',
    "a006": 'await {who}.download_small("{id}", Path("letter.txt"))',
    "a007": 'await {who}.print_summary("{ubrn}", Path("summary.pdf"))',
    "a008": 'rows = await {who}.worklist("AWAITING_BOOKING")',
    "a010": CRITERIA + 'services = await {who}.search_services(Search(patient="9912003888", criteria=heart))',
    "a011": CRITERIA
    + 'new = NewReferral(patient="9912003888", shortlist=Shortlist(["11001", "11006"], heart))\n'
    + "referral = await {who}.create_referral(new)",
    "a012": READ
    + 'file = UploadedFile(id="{file}", reference="Binary/{file}")\n'
    + 'referral = await {who}.maintain_letter(referral, [Attachment(file, "Referral letter")])',
    "a013": READ + "referral = await {who}.accept_referral(referral)",
    "a014": READ
    + 'comments = "This is a new diagnosis: a consultant should see him first."\n'
    + 'rejection = RejectionOfReferral(reason="SERVICE_INAPPROPRIATE", comments=comments)\n'
    + "referral = await {who}.reject_referral(referral, rejection)",
    "a015": 'async for slot in {who}.slots(SlotQuery(service="11006", page_size=2)):\n    print(slot.id, slot.start)',
    "a016": READ
    + 'slot = await anext({who}.slots(SlotQuery(service="11006")))\n'
    + "appointment = await {who}.book(referral, slot)",
    "a019": 'await {who}.print_letter("{ubrn}", Path("letter.pdf"))',
    "a020": 'letter = Upload(name="letter.txt", content=Path("letter.txt"), ubrn="{for_ubrn}")\n'
    + "file = await {who}.upload(letter)",
    "a021": CRITERIA
    + 'new = NewReferral(patient="9912003888", shortlist=Shortlist(["11004"], heart))\n'
    + "referral = await {who}.create_referral_and_send_for_triage(new)",
    "a022": READ
    + 'later = ActLater(comments="Ring the patient.")\n'
    + "referral = await {who}.cancel_appointment_action_later(referral, later)",
    "a023": "rows = await {who}.advice_worklist()",
    "a024": 'request = await {who}.read_advice_request("{ubrn}")',
    "a024-version": 'request = await {who}.read_advice_request("{ubrn}", version={version})',
    "a025": READ_ADVICE + "messages = await {who}.conversation(request)",
    "a026": READ_ADVICE
    + "response = Response(\n"
    + '    outcome="RETURN_TO_REFERRER_WITH_ADVICE",\n'
    + '    recommendation="ADVICE_ONLY_NO_REFERRAL_RECOMMENDED",\n'
    + '    text="Start a diuretic, and repeat the test in six weeks.",\n'
    + '    priority="ROUTINE",\n'
    + ")\n"
    + "exchanged = await {who}.send_response(request, response)",
    "a027": READ_ADVICE
    + 'conversion = Conversion(text="We will see him.", priority="URGENT", comments="Book the heart failure clinic.")\n'
    + "referral = await {who}.convert_advice(request, conversion)",
    "a028": READ
    + "outcome = ReviewOutcome(\n"
    + '    outcome="RETURN_TO_REFERRER_WITH_ADVICE",\n'
    + '    comments="Please check the blood pressure again in a month.",\n'
    + ")\n"
    + "referral = await {who}.record_review_outcome(referral, outcome)",
    "a029": READ + "actions = await {who}.available_actions(referral)",
    "a030": "roles = await {who}.my_roles()",
    "a031": READ
    + CRITERIA
    + 'new = NewShortlist(shortlist=Shortlist(["11001"], heart))\n'
    + "referral = await {who}.change_shortlist(referral, new)",
    "a032": READ
    + CRITERIA
    + 'new = NewShortlist(shortlist=Shortlist(["11004"], heart))\n'
    + "sent = await {who}.change_shortlist_and_send_for_triage(referral, new)",
    "a033": 'service = await {who}.read_service("{id}")',
    "a034": 'appointment = await {who}.read_appointment("{id}")\n'
    + 'appointment = await {who}.cancel_appointment(appointment, "PATIENT_ILL")',
    "a035": 'services = await {who}.read_services(["11001", "11006"])',
    "a036": READ + 'cancelled = await {who}.cancel_referral(referral, "INTEND_PRIVATE")',
    "a037": 'version = await {who}.service_version("{id}")',
    "a038": 'appointment = await {who}.read_appointment("{id}")',
    "a038-version": 'appointment = await {who}.read_appointment("{id}", version={version})',
    "a039": 'history = Upload(name="history.txt", content=Path("letter.txt"))\n'
    + "file = await {who}.upload_large(history)",
    "a040": "user_ids = await {who}.clinicians_to_act_for()",
    "a041": 'found = await {who}.find_requests("{identifier}")',
    "a042": 'await {who}.download("{id}", Path("letter.txt"))',
    "a043": 'await {who}.print_conversation("{ubrn}", Path("conversation.pdf"))',
    "a044": CRITERIA
    + "question = Question(\n"
    + '    patient="9912003888",\n'
    + '    shortlist=Shortlist(["11010"], heart),\n'
    + '    text="Breathless on stairs, NT-proBNP 450. Would you see him, or start treatment here?",\n'
    + "    may_convert=True,\n"
    + ")\n"
    + "asked = await {who}.ask_for_advice(question)",
    "x003": 'names = await {who}.find_names(["9912003888"], people=["555073103100"], organisations=["D82106"])',
    "x004": 'search = PatientSearch(family_name="Hartley", birth_date=date(1955, 3, 14))\n'
    + "found = await {who}.find_patients(search)",
    "x005": 'requests = await {who}.patient_requests("9912003888")',
    "x006": 'overviews = await {who}.overviews(["{request}"])',
    "x007": 'events = await {who}.history("{ubrn}")',
    "x001": READ_ADVICE + 'exchanged = await {who}.reply_to_provider(request, "Ramipril 5 mg. No diuretic so far.")',
    "x002": READ_ADVICE
    + 'closing = Closing(referral_avoided=True, advice_useful=True, comments="Started today.")\n'
    + "request = await {who}.close_advice(request, closing)",
}


def python_of(operation: Operation, example: Example) -> str:
    """Return the lines of an example for a caller of the Python client."""
    values = {**path_values(operation, example), **query_values(example), **_referred(example), "who": _caller(example)}
    text = LINES[example_name(operation)]
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def http_of(operation: Operation, example: Example) -> str:
    """Return an example as a request of a `.http` file, with the access token in a variable."""
    lines = [f"{example.method} {RECORDED_AT}/referrals/FHIR{example.path}", "Authorization: Bearer {{token}}"]
    lines += [f"{name}: {value}" for name, value in example.headers.items()]
    body = example.text if example.body is None else laid_out(example.body)
    return "\n".join(lines if body is None else (*lines, "", body))


def _caller(example: Example) -> str:
    """Return the name of the caller in the lines."""
    function = example.headers.get("NHSD-eRS-Business-Function", "")
    return CALLERS.get(function, "administrator")


def _referred(example: Example) -> dict[str, str]:
    """Return the ids that a request names outside of its path."""
    text = json.dumps(example.body) if example.body is not None else ""
    found = {"for_ubrn": example.headers.get("NHSD-eRS-Referral-ID", "")}
    for name, pattern in REFERRED.items():
        at = re.search(pattern, text + example.path)
        if at is not None:
            found[name] = at[1]
    return found
