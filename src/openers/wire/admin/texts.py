"""Texts and numbers in the records of the administration, with their limits."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

_END = r"$(?!\n)"
"""The end of a text. `$` alone would also match before a line break at the end."""
_LINE = r"^[^\x00-\x1f\x7f]*" + _END
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*" + _END

Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=_LINE, description="One line of text")]
Line = Annotated[str, Meta(max_length=255, pattern=_LINE, description="One line of text")]
Text = Annotated[str, Meta(max_length=10_000, pattern=_LINES, description="Text, which may have several lines")]
Ods = Annotated[
    str, Meta(pattern=r"^[A-Z0-9]{2,12}" + _END, description="ODS code: 2 to 12 capital letters and digits")
]
PersonId = Annotated[str, Meta(pattern=r"^[0-9]{12}" + _END, description="SDS user id: 12 digits")]
ServiceNumber = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,11}" + _END, description="Number of the service, as text")]
NhsNumberText = Annotated[str, Meta(pattern=r"^[0-9]{10}" + _END, description="NHS number: 10 digits")]
Workgroup = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=r"^[A-Z0-9]{2,12}/[^\x00-\x1f\x7f]+" + _END,
        description="Workgroup: ODS code, slash and name",
    ),
]
PostcodeText = Annotated[
    str,
    Meta(pattern=r"^[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}" + _END, description="UK postcode in capital letters"),
]
ClientId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._~-]{1,100}" + _END, description="Client id: letters, digits and the signs . _ ~ -")
]
WebAddress = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^https?://[A-Za-z0-9._~\[\]:-]+(/[!-\"$->@-~]*)?" + _END,
        description="An http or https address without user, query and fragment",
    ),
]
LogOutAddress = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^(https?://[A-Za-z0-9._~\[\]:-]+)?/[!-\"$->@-~]*" + _END,
        description="An http or https address, or a path at the origin of the redirect address",
    ),
]
RedirectAddress = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[!-\"$-~]+" + _END,
        description="An absolute address without fragment; a native application may have a scheme of its own",
    ),
]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}" + _END, description="SHA-256 as 64 hexadecimal digits")]
Age = Annotated[int, Meta(ge=0, le=150, description="Whole years")]
Days = Annotated[int, Meta(ge=0, le=3650, description="Days")]
Hours = Annotated[int, Meta(ge=1, le=10_000, description="Working hours")]
Code = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+" + _END, description="A code")]
Base64Url = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+" + _END, description="A number in base64url")]
Asid = Annotated[str, Meta(pattern=r"^[0-9]{12}" + _END, description="Accredited system id: 12 digits")]
HostName = Annotated[
    str, Meta(max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*" + _END, description="Host name of a system")
]
NetworkText = Annotated[
    str, Meta(max_length=43, pattern=r"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?" + _END, description="Address or network")
]
OperationId = Annotated[str, Meta(pattern=r"^[AX][0-9]{3}" + _END, description="Number of an operation, such as A001")]
