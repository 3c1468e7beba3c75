"""A039: upload a file of up to 100 MiB for a request (preview). Source: rules 4 (A039, A020) and 6.

The real service announced A039 in another form and never released it. Ours is A020 with a higher limit.
"""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.operations.a020_upload_file import AUDIT, take_in
from openers.api.registry import operation
from openers.domain.attachments import LARGEST_PREVIEW
from openers.domain.principal import CLINICIANS


@operation(
    "A039",
    POST,
    "/R4/Binary",
    operation_id="a039-upload-large-file",
    tags=(Tag.REFER, Tag.ASK),
    roles=CLINICIANS,
    response="",
    takes_file=True,
    success=201,
    audit=AUDIT,
)
async def upload_large_file(call: Call) -> Reply:
    """Upload a file of up to 100 MiB (preview)."""
    return await take_in(call, LARGEST_PREVIEW, preview=True)
