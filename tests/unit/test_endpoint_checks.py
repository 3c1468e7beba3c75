"""The checks of a registered endpoint, in their order, each with its text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest

from openers.domain.endpoints.certificate import ClientCertificate
from openers.domain.endpoints.checks import EndpointCall, EndpointCheck, check_endpoint
from openers.domain.endpoints.endpoint import Endpoint, EndpointCertificate, EndpointStatus
from openers.domain.identifiers import OdsCode

OWN: Final = "CN=DEV1 Sub CA"
CERTIFICATE: Final = ClientCertificate(
    subject="CN=ers.surgery.example",
    common_name="ers.surgery.example",
    issuer=OWN,
    serial="1f",
    fingerprint="a" * 64,
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    not_after=datetime(2027, 1, 1, tzinfo=UTC),
)
ENDPOINT: Final = Endpoint(
    asid="200000000220",
    environment="DEV1",
    organisation=OdsCode("D82106"),
    fqdn="ers.surgery.example",
    certificates=(EndpointCertificate(fingerprint="a" * 64, issuer=OWN),),
    source_addresses=("10.1.0.0/16", "192.0.2.7"),
    operations=frozenset({"A001", "A002"}),
    status=EndpointStatus.ISSUED,
)
CALL: Final = EndpointCall("200000000220", CERTIFICATE, "10.1.2.3", "A001")
BREAKS: Final[dict[EndpointCheck, tuple[dict[str, Any], str]]] = {
    EndpointCheck.ASID: ({"asid": "999999999999"}, "No endpoint with the ASID 999999999999 is registered here"),
    EndpointCheck.STATUS: ({}, "is suspended, so it may not call"),
    EndpointCheck.HOST_NAME: ({"common_name": "other.example"}, "The host name other.example is not that of"),
    EndpointCheck.CERTIFICATE: ({"fingerprint": "b" * 64}, "The certificate 1f is not registered"),
    EndpointCheck.OPERATION: ({"operation": "A008"}, "The operation A008 is not registered"),
    EndpointCheck.ENVIRONMENT: ({"fingerprint": "c" * 64, "issuer": "CN=INT1 Sub CA"}, "issued by CN=INT1 Sub CA."),
    EndpointCheck.ADDRESS: ({"address": "203.0.113.9"}, "may not call from the address 203.0.113.9"),
}
"""Changes that make a call fail each check."""


def broken(*checks: EndpointCheck) -> tuple[Endpoint, EndpointCall]:
    """Return an endpoint and a call that fail these checks."""
    certificate, call, endpoint = CERTIFICATE, CALL, ENDPOINT
    for check in checks:
        for name, value in BREAKS[check][0].items():
            if name in EndpointCall._fields:
                call = call._replace(**{name: value})
            else:
                certificate = msgspec.structs.replace(certificate, **{name: value})
        if check is EndpointCheck.STATUS:
            endpoint = msgspec.structs.replace(endpoint, status=EndpointStatus.SUSPENDED)
    return endpoint, call._replace(certificate=certificate)


def test_a_call_in_order_passes() -> None:
    assert check_endpoint(ENDPOINT, CALL) is None
    anywhere = msgspec.structs.replace(ENDPOINT, source_addresses=())
    assert check_endpoint(anywhere, CALL._replace(address="", operation="")) is None
    assert check_endpoint(ENDPOINT, CALL._replace(certificate=None, claimed_name="ERS.surgery.example")) is None


@pytest.mark.parametrize("check", EndpointCheck)
def test_the_first_check_that_fails_is_told(check: EndpointCheck) -> None:
    """Each check is told if it fails alone, and before all later checks. One call cannot fail two of certificates."""
    certificates = (EndpointCheck.CERTIFICATE, EndpointCheck.ENVIRONMENT)
    later = [each for each in EndpointCheck if list(EndpointCheck).index(each) > list(EndpointCheck).index(check)]
    others = [each for each in later if not (check in certificates and each in certificates)]
    without = [each for each in others if each is not EndpointCheck.CERTIFICATE]
    for checks in ((check,), (check, *without)):
        refusal = check_endpoint(*broken(*checks))
        assert refusal is not None
        assert refusal.check is check
        assert BREAKS[check][1] in refusal.text
        assert refusal.text.endswith(".")


def test_what_is_missing_is_told() -> None:
    bare = msgspec.structs.replace(ENDPOINT, certificates=())
    cases = [
        (None, CALL._replace(asid=""), EndpointCheck.ASID, "names no ASID"),
        (None, CALL, EndpointCheck.ASID, "is registered here"),
        (ENDPOINT, CALL._replace(certificate=None), EndpointCheck.HOST_NAME, "has no client certificate"),
        (bare, CALL, EndpointCheck.CERTIFICATE, "a" * 64),
        (ENDPOINT, CALL._replace(address=""), EndpointCheck.ADDRESS, "from the address"),
    ]
    for endpoint, call, check, text in cases:
        refusal = check_endpoint(endpoint, call)
        assert refusal is not None
        assert refusal.check is check
        assert text in refusal.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"asid": "12"},
        {"asid": "20000000022x"},
        {"certificates": ({"fingerprint": "A" * 64, "issuer": OWN},)},
        {"source_addresses": ("10.1.2.3/16",)},
        {"source_addresses": ("surgery.example",)},
        {"operations": ("GET /",)},
    ],
)
def test_a_registration_in_another_form_is_refused(wrong: dict[str, Any]) -> None:
    plain = msgspec.to_builtins(ENDPOINT, enc_hook=str)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**plain, **wrong}, Endpoint, dec_hook=lambda kind, text: kind(text))
