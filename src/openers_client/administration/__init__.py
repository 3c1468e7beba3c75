"""The administration API (`/admin/v1`): register and end organisations, people, applications, services and more.

`ErsClient.administration` makes an `Administration`. It has one register for each kind of record.
"""

from openers_client.administration.api import Administration
from openers_client.administration.defining import (
    Change,
    Checked,
    ClinicType,
    Finding,
    Referrer,
    SeenSlot,
    ServiceDraft,
    Visibility,
)
from openers_client.administration.records import (
    Ages,
    CommissioningRule,
    ContactDetail,
    Endpoint,
    EndpointCertificate,
    KeySet,
    NewWebhook,
    Organisation,
    PasLink,
    Pathways,
    Patient,
    Person,
    PersonAssurance,
    PersonRole,
    RegisteredApplication,
    Rules,
    Service,
    Site,
    SlotSettings,
    SlotWindow,
    Webhook,
)
from openers_client.administration.registers import EndingRegister, Register, Registered, Webhooks
from openers_client.administration.services import Services

__all__ = [
    "Administration",
    "Ages",
    "Change",
    "Checked",
    "ClinicType",
    "CommissioningRule",
    "ContactDetail",
    "EndingRegister",
    "Endpoint",
    "EndpointCertificate",
    "Finding",
    "KeySet",
    "NewWebhook",
    "Organisation",
    "PasLink",
    "Pathways",
    "Patient",
    "Person",
    "PersonAssurance",
    "PersonRole",
    "Referrer",
    "Register",
    "Registered",
    "RegisteredApplication",
    "Rules",
    "SeenSlot",
    "Service",
    "ServiceDraft",
    "Services",
    "Site",
    "SlotSettings",
    "SlotWindow",
    "Visibility",
    "Webhook",
    "Webhooks",
]
