# Short commands for the tutorials: read them into a shell in the project's folder with `. docs/tutorial/people.sh`.
# Reading them logs both people in. Their access tokens are valid for 600 seconds, so read them again after that.

mkdir -p var
BASE="http://127.0.0.1:${OPENERS_PORT:-8000}"
FHIR="$BASE/referrals/FHIR"
JSON='Content-Type: application/fhir+json'

# headers PERSON ORGANISATION ROLE: print the headers of a person, with a new access token.
headers() {
  printf 'Authorization: Bearer %s\n' "$(.venv/bin/openers token user "$1" --base-url "$BASE")"
  printf 'NHSD-End-User-Organisation-ODS: %s\n' "$2"
  printf 'NHSD-eRS-Business-Function: %s\n' "$3"
}
headers 555073103100 D82106 REFERRING_CLINICIAN > var/gp
headers 555032006106 RCD SERVICE_PROVIDER_CLINICIAN > var/consultant

# gp and consultant: call curl as that person.
gp() { curl -sS --fail-with-body -H @var/gp "$@"; }
consultant() { curl -sS --fail-with-body -H @var/consultant "$@"; }

# value FILE KEY...: print one value of a JSON file, for example `value var/slots.json entry 0 resource id`.
value() {
  .venv/bin/python - "$@" <<'END'
import json, sys

found = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    found = found[int(key) if isinstance(found, list) else key]
print(found)
END
}

# if_match FILE: print the header that names the version of a record, for example `If-Match: W/"3"`.
if_match() { echo "If-Match: W/\"$(value "$1" meta versionId)\""; }

# state FILE: print the state of a referral.
state() { grep -o 'eRS-ReferralState-1","code":"[A-Z_]*' "$1" | sed 's/.*"//'; }

# location: read the headers of a reply and print the address of the new record.
location() { sed -n 's/^location: //ip' | tr -d '\r'; }
