"""The files that a provider attaches with a decision (A022, A028). Source: rules chapters 4 (A022, A028) and 6."""

from __future__ import annotations

from openers.domain.attachments import Attachment, AttachmentType
from openers.domain.errors import ConflictingValues, DuplicateFilename
from openers.domain.fields import Field
from openers.domain.referral import Referral
from openers.usecases.deciding.decide import DecisionCommand
from openers.usecases.files.attach_files import NamedFile, Target, attach_files, locks_of
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class DecisionCommandWithFiles(DecisionCommand, frozen=True, kw_only=True):
    """A decision that may include files."""

    files: tuple[NamedFile, ...] = ()

    @property
    def locks(self) -> tuple[str, ...]:
        """The referral and the files."""
        return (self.ubrn, *locks_of(self.files))

    async def attached(self, referral: Referral, field: Field, world: World, tx: Tx) -> tuple[Attachment, ...]:
        """Attach the files beside the existing ones and return them.

        Raises a `FieldRefused` that A022 and A028 list.
        """
        target = Target(self.ubrn, field, AttachmentType.PROVIDER, referral.attachments, self.by)
        try:
            return await attach_files(self.files, target, world, tx)
        except ConflictingValues as error:  # A022 and A028 have no such code: the file's name occurs twice
            raise DuplicateFilename(error.field, error.value, error.hint, error.index) from error
