"""Issue and revoke certificates by the authorities in a folder, without a wait of other requests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from cryptography import x509

from openers.tls.authority import RequestRefused, issued, requested_name
from openers.tls.authority_files import AuthorityError, AuthorityFiles
from openers.usecases.administration.certificates import CertificateRequest, IssuedCertificate
from openers.usecases.administration.refusals import Unfit

REASON: Final = "unspecified"


class FolderAuthorities:
    """The authorities of all environments in one folder, as `openers ca` keeps them."""

    def __init__(self, directory: Path, *, creates: bool) -> None:
        """With `creates`, the authorities of an environment are created when the first request needs them."""
        self._directory, self._creates = directory, creates

    async def sign(self, environment: str, name: str, wanted: CertificateRequest) -> IssuedCertificate:
        """Return a certificate for a request whose common name must be `name`. Raises Unfit, OSError."""
        return await asyncio.to_thread(self._sign, environment, name, wanted)

    async def revoke(self, environment: str, name: str, serial: str) -> str | None:
        """Revoke a certificate of `name`, once; return its fingerprint, `None` if none was issued. Raises Unfit."""
        return await asyncio.to_thread(self._revoke, environment, name, serial)

    def _revoke(self, environment: str, name: str, serial: str) -> str | None:
        try:
            files = AuthorityFiles(self._directory, environment)
            if not files.trust.exists():
                return None
            found = next((each for each in files.issued() if each.serial == serial and each.name == name.lower()), None)
            if found is not None:
                files.revoke(found.serial, REASON)
        except AuthorityError as error:
            cause, _, cure = str(error).partition(": ")
            raise Unfit(cause, "path", cure or "ask the operator of the service") from error
        return None if found is None else found.fingerprint

    def _sign(self, environment: str, name: str, wanted: CertificateRequest) -> IssuedCertificate:
        request = wanted.request.encode()
        try:
            found = requested_name(request)
            if found != name.lower():
                cure = f"make a request with the subject /CN={name}"
                raise Unfit(f"the request is for {found}, and the endpoint is {name}", "/request", cure)
            files = AuthorityFiles(self._directory, environment)
            if self._creates and not files.trust.exists():
                _create(files)
            chain = files.sign(request, wanted.days, ())
            trust = files.trust.read_text("ascii")
        except RequestRefused as error:
            cause, _, cure = str(error).partition(": ")
            raise Unfit(cause, "/request", cure or "make the request again") from error
        except AuthorityError as error:
            cause, _, cure = str(error).partition(": ")
            raise Unfit(cause, "path", cure or "ask the operator of the service") from error
        return _issued(chain, trust)


def _create(files: AuthorityFiles) -> None:
    """Create the authorities, unless another process has done so at the same moment."""
    try:
        files.create()
    except AuthorityError:
        if not files.trust.exists():
            raise


def _issued(chain: bytes, trust: str) -> IssuedCertificate:
    certificate = x509.load_pem_x509_certificates(chain)[0]
    found = issued(certificate)
    return IssuedCertificate(
        certificate=chain.decode("ascii"),
        trust=trust,
        fingerprint=found.fingerprint,
        issuer=certificate.issuer.rfc4514_string(),
        serial=found.serial,
        not_after=found.not_after,
    )
