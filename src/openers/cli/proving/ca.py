"""`openers ca`: certificate authorities of an environment, which sign and revoke certificates of endpoints."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from openers.cli.output import Json, say
from openers.cli.problems import told_in_one_line

if TYPE_CHECKING:  # slow to import, and not needed by other commands
    from cryptography import x509

    from openers.tls.authority import Issued
    from openers.tls.authority_files import AuthorityFiles

app = typer.Typer(no_args_is_help=True, help="Certificate authorities of an environment.")
Environment = Annotated[str, typer.Argument(help="Name of the environment, such as DEV1.")]
Directory = Annotated[
    Path,
    typer.Option(
        envvar="OPENERS_CA_DIRECTORY", help="Folder of all environments' authorities. Keep it secret, back it up."
    ),
]
HERE = Path("ca")
Days = Annotated[int, typer.Option(min=1, max=1095, help="How long the certificate is valid.")]


class Reason(StrEnum):
    """Why a certificate is revoked."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key-compromise"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation-of-operation"


@app.command()
def new(environment: Environment, directory: Directory = HERE, as_json: Json = False) -> None:
    """Create the root and the sub authority of an environment."""
    with told_in_one_line():
        files = _files(directory, environment)
        files.create()
    paths = {"trust": files.trust, "revocations": files.revocations}
    say(f"trusted certificates\t{files.trust}\nrevocation list\t{files.revocations}", paths, as_json=as_json)


@app.command()
def sign(
    environment: Environment,
    request: Annotated[Path, typer.Argument(help="File with the certificate signing request (CSR).")],
    out: Annotated[Path, typer.Option(help="File for the certificate and that of its issuer.")],
    days: Days = 1095,
    host: Annotated[list[str] | None, typer.Option(help="Another host name or IP address of a server.")] = None,
    directory: Directory = HERE,
    as_json: Json = False,
) -> None:
    """Sign a request. The certificate takes only the host name (CN) and the key from it."""
    with told_in_one_line():
        files = _files(directory, environment)
        out.write_bytes(files.sign(request.read_bytes(), days, host or []))
        made = files.issued()[-1]
    say(_line(made), made, as_json=as_json)


@app.command()
def revoke(
    environment: Environment,
    serial: Annotated[str, typer.Argument(help="Serial number of the certificate, in hexadecimal.")],
    reason: Annotated[Reason, typer.Option(help="Why.")] = Reason.UNSPECIFIED,
    directory: Directory = HERE,
    as_json: Json = False,
) -> None:
    """Revoke a certificate, and write a new revocation list."""
    with told_in_one_line():
        done = _files(directory, environment).revoke(serial, reason.value)
    say(_line(done), done, as_json=as_json)


@app.command()
def crl(environment: Environment, directory: Directory = HERE, as_json: Json = False) -> None:
    """Write a new revocation list; the one before is current for 30 days."""
    with told_in_one_line():
        files = _files(directory, environment)
        files.publish()
    say(str(files.revocations), {"revocations": files.revocations}, as_json=as_json)


@app.command()
def show(environment: Environment, directory: Directory = HERE, as_json: Json = False) -> None:
    """Show the authorities, and all certificates that they have issued."""
    with told_in_one_line():
        files = _files(directory, environment)
        root, sub = files.certificates()
        issued = files.issued()
    told: dict[str, Any] = {"environment": environment, "root": _told(root), "sub": _told(sub), "issued": issued}
    lines = [f"{name}\t{each['subject']}\t{each['not_after']:%Y-%m-%d}\t{each['fingerprint']}"
             for name, each in (("root", told["root"]), ("sub", told["sub"]))]  # fmt: skip
    say("\n".join([*lines, *map(_line, issued)]), msgspec.to_builtins(told), as_json=as_json)


def _files(directory: Path, environment: str) -> AuthorityFiles:
    """Return the files of an environment. Raises AuthorityError."""
    from openers.tls.authority_files import AuthorityFiles

    return AuthorityFiles(directory, environment)


def _told(authority: x509.Certificate) -> dict[str, Any]:
    from cryptography.hazmat.primitives import hashes

    return {
        "subject": authority.subject.rfc4514_string(),
        "not_after": authority.not_valid_after_utc,
        "fingerprint": authority.fingerprint(hashes.SHA256()).hex(),
    }


def _line(each: Issued) -> str:
    """Return one certificate for people."""
    state = "valid" if each.not_after > datetime.now(UTC) else "expired"
    if each.revoked is not None:
        state = f"revoked {each.revoked:%Y-%m-%d} ({each.reason})"
    return f"{each.serial}\t{each.name}\t{each.not_after:%Y-%m-%d}\t{state}"
