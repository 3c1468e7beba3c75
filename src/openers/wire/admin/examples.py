"""One example of each record. Together they are valid in an empty database, in this order."""

from __future__ import annotations

from typing import Any, Final

from openers.domain.administration.rights import Resource

_MODULUS: Final = "w" + "A" * 341
"""The modulus of the example's key: an application registers its own."""

DRAFT: Final[dict[str, Any]] = {
    "name": "Palpitations clinic",
    "organisation": "X26A",
    "site": "X26A1",
    "workgroup": "X26A/Cardiology",
    "clinic_types": [["CARDIOLOGY", "ARRHYTHMIA"]],
    "flows": ["APPOINTMENT_REQUEST"],
    "appointment_type": "FIRST_OUTPATIENT",
    "priorities": ["ROUTINE", "URGENT"],
    "gender": "MALE_AND_FEMALE",
    "ages": {"lowest": 18},
    "commissioning": {"nationally_available": True},
    "contacts": [{"for_patients": True, "system": "phone", "value": "0113 496 0001"}],
}
"""A draft that passes the checks of publishing."""
COPY: Final = {"name": "Palpitations clinic, evenings"}
LAST_DAY: Final = {"on": "2031-03-31"}
COMMISSIONER: Final = {"ods": "Q26", "name": "Moorland ICB", "kind": "COMMISSIONER", "postcode": "LS1 4AP"}
"""The organisation that the example of a commissioning rule needs."""
EXAMPLES: Final[dict[Resource, dict[str, Any]]] = {
    Resource.ORGANISATIONS: {
        "ods": "X26A",
        "name": "Moorland Hospitals",
        "kind": "PROVIDER",
        "postcode": "LS1 4AP",
        "address": "1 Moor Lane, Leeds",
        "telephone": "0113 496 0000",
    },
    Resource.SITES: {"ods": "X26A1", "organisation": "X26A", "name": "Moorland General", "postcode": "LS1 4AP"},
    Resource.PEOPLE: {
        "id": "555000000101",
        "name": "Dr Ada Moor",
        "roles": [{"organisation": "X26A", "functions": ["SERVICE_PROVIDER_CLINICIAN"]}],
        "workgroups": ["X26A/Cardiology"],
    },
    Resource.APPLICATIONS: {
        "client_id": "moorland-pas",
        "name": "PAS of Moorland Hospitals",
        "mode": "application-restricted",
        "keys": {"keys": [{"kty": "RSA", "kid": "2026-1", "n": _MODULUS, "e": "AQAB"}]},
    },
    Resource.CODE_SETS: {
        "starts": "2031-06-23",
        "specialties": [{"code": "HEART", "display": "Heart medicine"}],
        "clinic_types": [{"code": "HEART_RHYTHM", "display": "Heart rhythm", "specialties": ["HEART"]}],
        "ended_clinic_types": ["ARRHYTHMIA"],
        "mapping": [{"old": ["CARDIOLOGY", "ARRHYTHMIA"], "new": [["HEART", "HEART_RHYTHM"]]}],
    },
    Resource.SERVICES: {
        "id": "260001",
        "name": "Heart failure clinic",
        "organisation": "X26A",
        "site": "X26A1",
        "location_name": "Moorland General",
        "postcode": "LS1 4AP",
        "workgroup": "X26A/Cardiology",
        "clinic_types": [["CARDIOLOGY", "HEART_FAILURE"]],
        "flows": ["APPOINTMENT_REQUEST"],
        "bookable": "DIRECTLY_BOOKABLE",
        "priorities": ["ROUTINE", "URGENT"],
        "clinicians": ["555000000101"],
        "commissioning": {"nationally_available": False},
        "contacts": [{"for_patients": True, "system": "phone", "value": "0113 496 0001"}],
    },
    Resource.COMMISSIONING_RULES: {
        "id": "260001-Q26",
        "service": "260001",
        "commissioner": "Q26",
        "starts": "2026-04-01",
    },
    Resource.PAS_LINKS: {"service": "260001", "url": "https://pas.moorland.example/fhir", "client_id": "moorland-pas"},
    Resource.ENDPOINTS: {
        "asid": "200000000220",
        "environment": "DEV1",
        "organisation": "X26A",
        "fqdn": "pas.moorland.example",
        "product": "PAS of Moorland Hospitals",
        "certificates": [{"fingerprint": "0" * 64, "issuer": "CN=DEV1 Sub CA,OU=CA,O=OpenERS"}],
        "source_addresses": ["192.0.2.0/24"],
        "status": "issued",
    },
    Resource.PATIENTS: {
        "nhs_number": "9995550018",
        "family_name": "Field",
        "given_name": "Iris",
        "born": "1962-03-14",
        "sex": "female",
        "postcode": "LS1 4AP",
    },
    Resource.WEBHOOKS: {"url": "https://events.moorland.example/openers"},
}
