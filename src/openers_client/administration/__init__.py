"""The administration API (`/admin/v1`): register and end organisations, people, applications, services and more.

`ErsClient.administration` makes an `Administration`. It has one register for each kind of record.
"""

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
from openers_client.administration.registers import Administration, EndingRegister, Register, Registered, Webhooks

__all__ = [
    "Administration",
    "Ages",
    "CommissioningRule",
    "ContactDetail",
    "EndingRegister",
    "Endpoint",
    "EndpointCertificate",
    "KeySet",
    "NewWebhook",
    "Organisation",
    "PasLink",
    "Pathways",
    "Patient",
    "Person",
    "PersonAssurance",
    "PersonRole",
    "Register",
    "Registered",
    "RegisteredApplication",
    "Rules",
    "Service",
    "Site",
    "SlotSettings",
    "SlotWindow",
    "Webhook",
    "Webhooks",
]
