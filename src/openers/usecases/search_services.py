"""Find the services that a patient can be referred to (A010), by the same rules that check a shortlist (A011, A021).

Source: rules chapter 4 (A010), 11.1 rows 3 and 4.
"""

from __future__ import annotations

import msgspec

from openers.domain.codes import RequestType, SortBy
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.domain.principal import Principal
from openers.domain.search import SearchCriteria


class SearchServices(msgspec.Struct, frozen=True, kw_only=True):
    """What the referrer sent, parsed."""

    by: Principal
    request_type: RequestType
    sort_by: SortBy
    patient: NhsNumber
    criteria: SearchCriteria
    referring_clinician: UserId | None = None
    rule_organisation: OdsCode | None = None
