"""Parsers of the replies of national services."""

from __future__ import annotations

import json
from datetime import date
from typing import Final

from openers.neighbours.ods import read_organisation
from openers.neighbours.pds_patient import codes_of, read_patient

TODAY: Final = date(2026, 11, 30)


def patient_of_pds(text: str) -> object:
    """Read a text as an OperationOutcome, and as parts of a Patient."""
    whole = {"resourceType": "Patient", "id": "9990000042", "birthDate": text, "name": [{"family": text}]}
    return codes_of(text.encode()), read_patient(json.dumps(whole).encode(), TODAY)


def organisation_of_ods(text: str) -> object:
    """Read a text as parts of an organisation, and as a whole."""
    code, ends = {"extension": "A81001"}, [{"Type": "Legal", "End": text}]
    place = {"Location": {"AddrLn1": text, "PostCode": text}}
    whole = {"Name": text, "OrgId": code, "Status": text, "GeoLoc": place}
    read_organisation(json.dumps({"Organisation": whole}).encode(), TODAY)
    return read_organisation(json.dumps({"Organisation": {**whole, "Date": ends}}).encode(), TODAY)
