#!/usr/bin/env python3
"""Decides a campaign folder's subscribers by DESIGN.md's table, written afresh from its text.

A second opinion on libs/law and services/compliance that shares nothing with them: tests compare the counts.

    python3 tests/reference/decide.py services/orchestrator/samples/spring-sale > .../expected.json
"""

import collections
import csv
import datetime as dt
import io
import json
import pathlib
import re
import sys

HEADER = (
    "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed"
).split(",")
MAY_BE_EMPTY = {"first_name", "birth_year", "consent_at", "consent_source"}
CONSENTS = {"express", "implied", "withdrawn", "none"}

# ISO 3166-1 alpha-2, officially assigned.
COUNTRIES = set(
    """AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ
    IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH
    MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL
    PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD
    TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW""".split()
)
EU = set("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
EEA = EU | {"IS", "LI", "NO"}

ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+\Z")
LABEL = re.compile(r"[A-Za-z0-9\u0080-\U0010ffff]([A-Za-z0-9\-\u0080-\U0010ffff]*[A-Za-z0-9\u0080-\U0010ffff])?\Z")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


# Soft hyphens, zero-width spaces, directional marks, tags: nobody sees them, and no mail header carries them.
INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def moment(text):
    """An RFC 3339 moment, or None."""
    if not RFC3339.match(text):
        return None
    try:
        return dt.datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except ValueError:
        return None


def is_address(text):
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and not re.search(r"[\s\x00-\x1f\x7f-\x9f]", text)
        and not INVISIBLE.search(text)
        and 1 <= len(local.encode()) <= 64
        and all(ATEXT.match(atom) for atom in local.split("."))
        and len(domain.encode()) <= 255
        and len(labels) >= 2
        and all(LABEL.match(label) and len(label.encode()) <= 63 for label in labels)
    )


def fault(fields, as_of):
    """The first column that makes a row unreadable (`row` for all of it), or None."""
    if len(fields) != len(HEADER):
        return "row"
    row = dict(zip(HEADER, fields))
    at = moment(row["consent_at"]) if row["consent_at"] else None
    faulty = {
        "email": not is_address(row["email"]),
        "country": row["country"] not in COUNTRIES,
        "birth_year": not re.fullmatch(r"([0-9]{4})?", row["birth_year"]),
        "consent": row["consent"] not in CONSENTS,
        "consent_at": bool(row["consent_at"]) and (at is None or at > as_of),
        "suppressed": row["suppressed"] not in ("true", "false"),
    }
    for column in HEADER:
        if (column not in MAY_BE_EMPTY and not row[column]) or faulty.get(column):
            return column
    return None


def months_before(moment_, months):
    """Calendar months back, the day clamped to the month's end."""
    index = moment_.year * 12 + moment_.month - 1 - months
    year, month = divmod(index, 12)
    for day in range(moment_.day, 27, -1):
        try:
            return moment_.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment_.replace(year=year, month=month + 1)


def excluded(row, suppressed, withdrawn, as_of):
    """The exclusion code of a valid, first-seen row (rules 3 to 9), or None."""
    key, country, consent = row["key"], row["country"], row["consent"]
    at = moment(row["consent_at"]) if row["consent_at"] else None
    if key in suppressed:
        return "suppressed"
    if key in withdrawn:
        return "withdrawn"
    if row["birth_year"] and as_of.year - int(row["birth_year"]) <= 18:
        return "minor"
    if country == "US":
        return None
    if country == "CA":
        if consent == "express" and at:
            return None
        if consent == "implied" and at:
            return None if at >= months_before(as_of, 24) else "implied_expired"
        return "no_consent"
    return None if consent == "express" and at and row["consent_source"] else "no_consent"


def region(country):
    if country in EEA:
        return "eu"
    return {"GB": "uk", "CH": "ch", "CA": "ca", "US": "us"}.get(country, "eu")


def records(text):
    """(line where the record begins, its fields), the header left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert next(reader) == HEADER, "wrong header"
    begin = reader.line_num + 1
    for fields in reader:
        if fields:
            yield begin, fields
        begin = reader.line_num + 1


def decide(text, as_of):
    valid, invalid = [], []
    for line, fields in records(text):
        column = fault(fields, as_of)
        if column:
            invalid.append({"line": line, "field": column})
            continue
        row = dict(zip(HEADER, fields))
        local, _, domain = row["email"].rpartition("@")
        row["key"] = (local, domain.lower())
        valid.append(row)
    suppressed = {row["key"] for row in valid if row["suppressed"] == "true"}
    withdrawn = {row["key"] for row in valid if row["consent"] == "withdrawn"}

    codes, regions, cohorts, seen = (collections.Counter() for _ in range(4))
    codes["invalid"] += len(invalid)
    for row in valid:
        code = "duplicate" if row["key"] in seen else excluded(row, suppressed, withdrawn, as_of)
        seen[row["key"]] += 1
        if code:
            codes[code] += 1
        else:
            regions[region(row["country"])] += 1
            cohorts[f"{row['locale']}/{row['segment']}"] += 1
    return {
        "rows": len(valid) + len(invalid),
        "written": sum(cohorts.values()),
        "excluded": {code: n for code, n in sorted(codes.items()) if n},
        "by_region": dict(sorted(regions.items())),
        "cohorts": dict(sorted(cohorts.items())),
        "invalid": invalid,
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    as_of = re.search(r"^as_of:\s*[\"']?([^\"'\s]+)", (folder / "campaign.yaml").read_text("utf-8"), re.M)
    answer = decide((folder / "subscribers.csv").read_bytes().decode("utf-8"), moment(as_of[1]))
    print(json.dumps(answer, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
