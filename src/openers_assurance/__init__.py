"""Assurance: which requirements of the e-Referral Service API a client fulfils, judged by its own calls.

The register of requirements is data; each automatic rule is one pure function of a call and of what came before it. The
package knows no service and no network. It is no approval by NHS England.
"""

from openers_assurance.assessment import Assessment, Evidence, Row, State
from openers_assurance.exchange import Exchange
from openers_assurance.har import read_har
from openers_assurance.reading import Sorter, UnreadableLog, in_order, read_ndjson
from openers_assurance.register import Kind, Requirement, requirements
from openers_assurance.report import DISCLAIMER

__all__ = [
    "DISCLAIMER",
    "Assessment",
    "Evidence",
    "Exchange",
    "Kind",
    "Requirement",
    "Row",
    "Sorter",
    "State",
    "UnreadableLog",
    "in_order",
    "read_har",
    "read_ndjson",
    "requirements",
]
