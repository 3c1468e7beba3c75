"""The scripts of collections: they check the status and save what later requests need."""

from __future__ import annotations

from typing import Final

REMEMBER: Final = """\
const resources = [body, ...(body.parameter || []), ...(body.entry || [])]
  .map((each) => each.resource || each)
  .filter((each) => each.resourceType);
const slot = resources.find((each) => each.resourceType === "Slot");
if (slot) {
  save("slot", slot.id);
  save("slot_start", slot.start);
  save("slot_end", slot.end);
}
const names = {
  ReferralRequest: ["ubrn", "version"],
  CommunicationRequest: ["advice_ubrn", "advice_version"],
  Appointment: ["appointment", "appointment_version"],
};
for (const each of resources) {
  const [id, version] = names[each.resourceType] || [];
  if (id && each.meta && each.meta.versionId) {
    save(id, each.id);
    save(version, each.meta.versionId);
  }
}
if (location && location.startsWith("Binary/")) {
  save("file", location.split("/").pop());
}
"""
"""Saves the ids and versions in a reply. It uses `body` (a JSON object), `location` and `save(name, value)`."""


def indented(script: str, by: str = "  ") -> str:
    """Return a script with each line indented."""
    return "".join(f"{by}{line}\n" if line else "\n" for line in script.splitlines())
