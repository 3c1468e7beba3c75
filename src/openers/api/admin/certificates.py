"""Handle requests for the certificates of an endpoint."""

from __future__ import annotations

import msgspec

from openers.api.admin.dialect import refused_body
from openers.api.admin.gate import administrator_of
from openers.api.admin.reading import JSON, check_media, parameters_of
from openers.api.gateway import Gateway
from openers.api.http.reply import Reply
from openers.api.interaction import ActiveCall
from openers.usecases.administration.certificates import (
    Authorities,
    CertificatePlace,
    CertificateRequest,
    issue_certificate,
    revoke_certificate,
)
from openers.wire.admin.translating import UnreadableRecord, read_registration

CREATED = 201
REMOVED = 204


class CertificateHandlers(msgspec.Struct, frozen=True):
    """The handler of certificates."""

    gateway: Gateway
    authorities: Authorities

    async def issue(self, call: ActiveCall) -> Reply:
        """Sign the request in the body, and register the certificate for the endpoint."""
        http = call.http()
        by = await administrator_of(call.request, self.gateway, call.world)
        check_media(call.request, has_body=True)
        parameters_of(call.request, frozenset())
        try:
            wanted = read_registration(await http.body(), CertificateRequest)
        except UnreadableRecord as error:
            raise refused_body(error, CertificateRequest.__name__) from error

        def _noted() -> None:
            call.entry.outcome = CREATED

        key = str(call.request.scope["path_params"]["key"])
        place = CertificatePlace(call.world, _noted)
        issued = await issue_certificate(key, wanted, by, self.authorities, place)
        call.recorded = True
        return Reply(CREATED, msgspec.json.encode(issued), ((b"content-type", JSON.encode()),))

    async def revoke(self, call: ActiveCall) -> Reply:
        """Revoke the certificate with the serial number in the path."""
        call.http()
        by = await administrator_of(call.request, self.gateway, call.world)
        check_media(call.request, has_body=False)
        parameters_of(call.request, frozenset())

        def _noted() -> None:
            call.entry.outcome = REMOVED

        parts = call.request.scope["path_params"]
        place = CertificatePlace(call.world, _noted)
        await revoke_certificate(str(parts["key"]), str(parts["serial"]), by, self.authorities, place)
        call.recorded = True
        return Reply(REMOVED, b"")
