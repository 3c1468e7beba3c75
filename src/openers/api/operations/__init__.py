"""One file for each operation, named after its A-number. Importing this package registers them all."""

from __future__ import annotations

from openers.api.operations import (
    a004_reference_data,
    a005_read_referral,
    a006_retrieve_file,
    a010_search_services,
    a011_create_referral,
    a012_maintain_letter,
    a015_find_slots,
    a016_make_appointment,
    a020_upload_file,
    a021_create_referral_for_triage,
    a030_business_functions,
    a033_read_service,
    a034_cancel_appointment,
    a035_search_services_by_id,
    a037_service_version,
    a038_read_appointment,
    a040_on_behalf_of,
    a041_find_requests,
    a042_retrieve_file_address,
)

__all__ = [
    "a004_reference_data",
    "a005_read_referral",
    "a006_retrieve_file",
    "a010_search_services",
    "a011_create_referral",
    "a012_maintain_letter",
    "a015_find_slots",
    "a016_make_appointment",
    "a020_upload_file",
    "a021_create_referral_for_triage",
    "a030_business_functions",
    "a033_read_service",
    "a034_cancel_appointment",
    "a035_search_services_by_id",
    "a037_service_version",
    "a038_read_appointment",
    "a040_on_behalf_of",
    "a041_find_requests",
    "a042_retrieve_file_address",
]
