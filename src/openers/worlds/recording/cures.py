"""The cure for each refusal, by the code of the refusing rule, in addition to the text of the reply.

`check_texts` uses it. The reply names the field and its fault; a cure names the call, value or setting that makes
the next attempt succeed. A test checks that each rule of the service has one.
"""

from __future__ import annotations

from typing import Final

CURES: Final[dict[str, str]] = {
    # values
    "REFERENCE_NOT_FOUND": (
        "Look up the id first: a service by A010 or A035, a file in the Location of A020's reply, a person in the pack "
        "of the world. Ids of another world or organisation do not count."
    ),
    "INVALID_VALUE": (
        "Take the format of the field from its schema in /referrals/openapi.json, and send a value that fits it."
    ),
    "INVALID_CODE": "Read the codes that are allowed now by A004, and send one of them.",
    "MISSING_VALUE": "Add the field where the operation's schema in /referrals/openapi.json has it.",
    "MISSING_PARAMETER": "Add the parameter to the address of the call. The operation's page lists its parameters.",
    "VALUE_IS_REQUIRED": (
        "Add the field: another value of this request makes it mandatory. Or change that other value."
    ),
    "FIELD_NOT_PERMITTED": (
        "Leave out the field: another value of this request rules it out. Or change that other value."
    ),
    "INAPPROPRIATE_VALUE": (
        "Read the record by A005 and compare: the value is valid, but not in this record or this call."
    ),
    "CONFLICTING_VALUES": "Compare the field with the one that the message names, and change one of the two.",
    "TOO_MANY_ITEMS": "Remove items from the list until it has the number that the message allows.",
    "NO_CHANGES_DETECTED": "Read the record by A005 first, and send only a request that differs from it.",
    # services and organisations
    "DUPLICATE_SERVICE": "Name each service once: remove the repeated id from the shortlist.",
    "SHORTLISTED_SERVICE_NOT_IN_RESULTS": (
        "Search again by A010 with the same criteria, and shortlist only services that are in its reply."
    ),
    "SERVICE_UNAVAILABLE": "Search again by A010, and choose a service that is in its reply today.",
    "ORGANISATION_IS_CLOSED": "Name an organisation that is open: the pack of the world lists them.",
    "ORGANISATION_NOT_APPROPRIATE": (
        "Name an organisation of the kind that the operation's page asks for: the pack of the world lists them."
    ),
    "UNSUPPORTED_PRIORITY": (
        "Read the service by A033 and send a priority that it accepts, or choose another service."
    ),
    "PRIORITY_NOT_CURRENT": "Read the current priorities by A004, and send one of them.",
    # people
    "REFERENCED_USER_IS_NOT_SPC": (
        "Name a person with the role SERVICE_PROVIDER_CLINICIAN: the pack of the world lists people with their roles."
    ),
    "REFERENCED_USER_IS_NOT_ACTIVE": "Name a person whom the pack of the world does not mark as inactive.",
    "REFERENCED_USER_NOT_IN_ORG": (
        "Name a person with a role at this organisation: the pack of the world lists people with their roles."
    ),
    "REFERENCED_USER_IS_NOT_RC": (
        "Name a person with the role REFERRING_CLINICIAN: the pack of the world lists people with their roles."
    ),
    "REFERENCED_USER_IS_NOT_RC_AT_ORG": (
        "Name a person who is REFERRING_CLINICIAN at the organisation in your header: see the pack of the world."
    ),
    "NO_REG_GP_PRACTICE": "Use a patient with a registered practice: the pack of the world lists patients.",
    "PATIENT_ERROR": (
        "Use another patient from the pack of the world: this record is closed or restricted. Do not retry."
    ),
    "SNOMED_NOT_FOUND": (
        "Send a SNOMED CT concept that the services of the world are found by: A033 shows those of a service."
    ),
    # states, slots and appointments
    "INVALID_REQUEST_TYPE": "Read the record by A005 to see its type, and call the operation that is for this type.",
    "INVALID_STATE": "Read the record by A005 to see its state, and call an operation that this state allows.",
    "INAPPROPRIATE_SLOT": "Search by A015 for slots of the service that the referral names, and book one of those.",
    "SLOT_NOT_AVAILABLE": "Search again by A015: the slot was taken or withdrawn. Book one that is in the new reply.",
    "SLOTS_CURRENTLY_AVAILABLE": (
        "Book one of the free slots by A016: a referral is deferred only if A015 finds none."
    ),
    "THIS_SLOT_IS_AVAILABLE": "Book this slot by A016 instead of deferring: it is free.",
    "UNABLE_TO_CONFIRM_APPOINTMENT": (
        "Read the appointment by A038: if the system of the provider has refused it, book another slot."
    ),
    "UNABLE_TO_CANCEL_APPOINTMENT": (
        "Read the appointment by A038: if it is still booked, ask the provider to cancel it."
    ),
    "TOO_MANY_REQUESTS": "Wait as long as the reply's Retry-After says, or call less often.",
    # files
    "FILE_SIZE_ERROR": "Make the file smaller, or split it: the operation's page names the largest size.",
    "DUPLICATE_FILENAME": (
        "Upload the file again by A020 under another name. Case, kinds of spaces and Unicode form make no difference."
    ),
    "PENDING": "Wait a few seconds and ask again: the file is still being scanned.",
    "THREATS_FOUND": (
        "Remove the file from the request and upload a clean copy by A020: the scanner found a threat in it."
    ),
    "VALIDATION_FAILED": (
        "Open the file in its own program, save it as the type that you declare, and upload it again by A020: its "
        "content is not of this type."
    ),
    "NO_ACCESS_CODE": "Make an access code first: run `openers access-code reset` with the UBRN.",
    # how the request is written
    "UNEXPECTED_FIELD": "Remove the field: the schema of this request in /referrals/openapi.json does not have it.",
    "INVALID_FHIR_STRUCTURE": (
        "Check the body with a JSON parser, then compare it with the operation's schema in /referrals/openapi.json."
    ),
    "MISSING_HEADER": "Add the header to the call. The operation's page lists the headers that it needs.",
    "HEADER_OR_PATH_VALUE": (
        "Take the format from the operation's page, and correct this header or this part of the address."
    ),
    "IF_MATCH": "Read the record by A005, and send the ETag of that reply as If-Match, unchanged.",
    "BODY_SIZE": "Shorten the body, or raise OPENERS_MAX_BODY_BYTES on a service of your own.",
    "BODY_TIME": "Send the body without pauses over a faster connection, or raise OPENERS_BODY_TIMEOUT_S.",
    "HISTORY_NOT_SUPPORTED": (
        "Leave out /_history/ and the number behind it: the address without it gives the latest version."
    ),
    "PATH": "Take the address from the list of operations in /referrals/openapi.json.",
    "METHOD": "Keep the address and use one of the methods in the reply's Allow header.",
    "SIGNED_ADDRESS": "Get a new address from A042 and use it at once: it is valid for a short time.",
}
"""Cures by the name of a rule."""
