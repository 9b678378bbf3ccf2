#!/usr/bin/env python3
"""Decides a campaign folder's subscribers by DESIGN.md's table, written afresh from its text.

A second opinion on libs/law and services/compliance that shares nothing with them: tests compare the counts.

    python3 tests/reference/decide.py target/sample/DAY/spring-sale > .../spring-sale/expected.json
    python3 tests/reference/decide.py FOLDER 2026-04-01T09:00:00Z    # imported then
    python3 tests/reference/decide.py --lists < LISTS.jsonl          # {"list", "imported", "as_of", "sender"} a line
"""

import collections
import csv
import datetime as dt
import io
import json
import pathlib
import re
import sys
import unicodedata
import urllib.parse

HEADER = (
    "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed"
).split(",")
MAY_BE_EMPTY = {"first_name", "birth_year", "consent_at", "consent_source"}
CONSENTS = {"express", "implied", "withdrawn", "none"}
YES, NO = {"true", "yes", "1"}, {"false", "no", "0"}
# Names of countries that the tests use, from ISO 3166-1's English list.
NAMES = {"germany": "DE", "united kingdom": "GB", "canada": "CA", "united states": "US", "japan": "JP"}

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
OUTERMOST = {"AX", "GF", "GP", "MF", "MQ", "RE", "YT"}

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
        and a_label(domain) is not None
    )


def a_label(domain):
    """The domain as A-labels. IDNA 2003, which agrees with UTS 46 on all that the tests use."""
    try:
        return domain.lower().encode("idna").decode().lower()
    except UnicodeError:
        return None


def person(address):
    """What makes two addresses one person."""
    local, _, domain = address.rpartition("@")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    return (local, a_label(domain))


def bare_end(text):
    """Without what is neither letter nor digit at its end; what belongs to its last letter stays."""
    end = len(text)
    while end and not text[end - 1].isalnum():
        end -= 1
    while end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return text[:end]


def bare(text):
    """Without what is neither letter nor digit around it."""
    return re.sub(r"\A[\W_]+", "", bare_end(text))


def find_address(text):
    """An address as people leave it in a list, or None."""
    text = INVISIBLE.sub("", text).strip()
    if "<" in text:
        text = text.rpartition("<")[2].split(">")[0].strip()
    if text[:7].lower() == "mailto:":
        text = urllib.parse.unquote(text[7:].split("?")[0])
    quoted = re.fullmatch(r"""\s*"((?:[^"\\]|\\.)+)"@(.*)""", bare_end(text))
    if quoted:
        text = re.sub(r"\\(.)", r"\1", quoted[1]) + "@" + quoted[2]
    around = r"""[\s"'`<>()\[\]{},;:.!]+"""
    for candidate in (text, re.sub(f"^{around}|{around}$", "", text), bare(text)):
        if is_address(candidate):
            return candidate
    return None


def find_addresses(text):
    """Every address that people left in a field, as persons."""
    if is_address(text.strip()):
        return {person(text.strip())}
    text = INVISIBLE.sub("", text)
    found = [find_address(text)]
    link = re.compile(r"""mailto:([^\s<>"?]*)(\?[^\s<>"]*)?""", re.I)
    for part in re.split(r"[\s,;<>()\[\]]+", link.sub(lambda one: f" {urllib.parse.unquote(one[1])} ", text)):
        if "@" in part:
            one = find_address(part)
            found += [one] if one else map(find_address, re.split(r"""[":|/=?]""", part))
    return {person(address) for address in found if address}


def named_within(key):
    """Who may be named within a person's address, which is one by accident; and whether it can be nobody else."""
    local, domain = key
    read = domain.encode().decode("idna")
    named = bare(re.split(r"[=|/]", local)[-1] + "@" + read)
    if named == f"{local}@{read}" or not is_address(named):
        return None, False
    return person(named), bare_end(read) != read


def country_of(text):
    return text.upper() if text.upper() in COUNTRIES else NAMES.get(text.lower())


def values(fields, header):
    """A row's values without blanks around them, in lower case where case means nothing; None for another number."""
    if len(fields) != len(header):
        return None
    row = {name: value.strip() for name, value in zip(header, fields)}
    for name in ("consent", "suppressed", "implied_by"):
        row[name] = row.get(name, "").lower()
    return row


def split_column(row):
    """The first of our columns whose value holds a line end, or None."""
    return next((name for name in [*HEADER, "implied_by"] if "\n" in row[name]), None)


def fault(row, imported):
    """The first column that makes a row unreadable (`row` for all of it), or None."""
    if row is None:
        return "row"
    if split_column(row):
        return split_column(row)
    at = moment(row["consent_at"]) if row["consent_at"] else None
    given = row["consent"] in ("express", "implied")
    faulty = {
        "email": not is_address(row["email"]),
        "country": country_of(row["country"]) is None,
        "birth_year": not re.fullmatch(r"([0-9]{4})?", row["birth_year"]),
        "consent": row["consent"] not in CONSENTS,
        "consent_at": bool(row["consent_at"]) and (at is None or given and at > imported),
        "suppressed": row["suppressed"] not in YES | NO,
    }
    for column in HEADER:
        if (column not in MAY_BE_EMPTY and not row[column]) or faulty.get(column):
            return column
    return None


def holds_rows(field, header, separator):
    """Whether rows of the list stand in a field that a stray quote opened."""
    lines = field.split("\n")
    if any(line.count(separator) >= len(HEADER) - 1 and find_addresses(line) for line in lines[1:]):
        return True
    exactly = field.count(separator) == (len(lines) - 1) * (len(header) - 1)
    return len(lines) > 1 and exactly and bool(find_addresses(field))


def lines_of(fields):
    """The lines of a row one of whose fields has an address behind a line end; else all of it."""
    if not any(find_addresses(field.partition("\n")[2]) for field in fields):
        return [fields]
    lines = [[]]
    for field in fields:
        first, *others = field.split("\n")
        apart = re.compile("[,;\t]") if others else None
        lines[-1] += apart.split(first) if apart else [first]
        lines += [apart.split(other) for other in others]
    return lines


def out_of_place(fields, header):
    """Who objects in fields that are not in their places, and how."""
    said = [field.strip().lower() for field in fields]
    place = header.index("suppressed")
    flags = said[place : place + 1]
    if len(said) >= len(header) - place:
        flags.append(said[place - len(header)])
    clear = "true" in flags or "yes" in flags or "withdrawn" in said
    return [(key, "clear" if clear else "assumed") for field in fields for key in find_addresses(field)]


def objections(row, fields, invalid, header):
    """Who objects in a row, and how: `withdrawn` (plainly), `clear`, `unknown` or `assumed`."""
    if row is None or split_column(row):
        return [one for line in lines_of(fields) for one in out_of_place(line, header)]
    people = find_addresses(row["email"]) or set().union(*map(find_addresses, fields))
    how = set()
    if row["suppressed"] in YES:
        how.add("clear")
    elif invalid and row["suppressed"] not in NO:
        how.add("unknown" if row["suppressed"] else "assumed")
    if row["consent"] == "withdrawn":
        how.add("withdrawn")
    elif invalid and row["consent"] not in CONSENTS:
        how.add("unknown" if row["consent"] else "assumed")
    return [(key, one) for key in people for one in how]


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


def consented(row, country, planned):
    """The exclusion code by the law of one country (rules 6 to 9), or None."""
    consent, at = row["consent"], moment(row["consent_at"]) if row["consent_at"] else None
    if country == "US":
        return None
    if country == "CA":
        if consent == "express" and at:
            return None
        if consent == "implied" and at:
            months = 24 if row["implied_by"] in ("purchase", "contract") else 6
            return None if at >= months_before(planned, months) else "implied_expired"
        return "no_consent"
    return None if consent == "express" and at and row["consent_source"] else "no_consent"


def excluded(row, rows, suppressed, withdrawn, imported, planned, sender):
    """The exclusion code of a person's first valid row (rules 3 to 9), or None; `rows` are all valid ones of theirs."""
    if row["key"] in suppressed:
        return "suppressed"
    if row["key"] in withdrawn:
        return "withdrawn"
    year = imported.astimezone(dt.timezone.utc).year
    if any(year - int(one["birth_year"]) <= 18 for one in rows if one["birth_year"]):
        return "minor"
    asked = [row["country"], *sorted((one["country"] for one in rows), key=law), sender]
    return next((code for code in (consented(row, country, planned) for country in asked) if code), None)


def law(country):
    """Its row in the table of countries."""
    if country in EEA | OUTERMOST:
        return 0
    return {"GB": 1, "CH": 2, "CA": 3, "US": 4}.get(country, 5)


def region(country):
    if country in EEA:
        return "eu"
    return {"GB": "uk", "CH": "ch", "CA": "ca", "US": "us"}.get(country, "eu")


def records(text):
    """The header, what separates fields, and (line where the record begins, its fields) of the others."""
    text = text.lstrip("\ufeff")
    first = next((line for line in text.split("\n") if re.search(r'[^\s,;"]', line)), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header, found = None, []
    begin = reader.line_num + 1
    for fields in reader:
        has_value = any(field.strip() for field in fields)
        if has_value and header is None:
            header = [name.strip().lower() for name in fields]
            assert set(HEADER) <= set(header), "wrong header"
        elif has_value:
            found.append((begin, fields))
        begin = reader.line_num + 1
    return header, separator, found


def decide(text, imported, planned, sender):
    header, separator, found = records(text)
    valid, invalid, suppressed, withdrawn, assumed, unknown = [], [], set(), set(), 0, 0
    for line, fields in found:
        row = values(fields, header)
        if row and not split_column(row) and any(holds_rows(field, header, separator) for field in fields):
            row = None
        column = fault(row, imported)
        said = objections(row, fields, column is not None, header)
        for key, how in said:
            (withdrawn if how == "withdrawn" else suppressed).add(key)
            named, certain = named_within(key)
            if named:
                (withdrawn if how == "withdrawn" and certain else suppressed).add(named)
        if column:
            invalid.append({"line": line, "field": column})
            clear = {key for key, how in said if how != "assumed"}
            assumed += any(key not in clear for key, _ in said)
            unknown += any(how == "unknown" and (key, "clear") not in said for key, how in said)
            continue
        row["key"], row["country"], row["line"] = person(row["email"]), country_of(row["country"]), line
        valid.append(row)

    codes, regions, cohorts, seen = (collections.Counter() for _ in range(4))
    lines = []
    codes["invalid"] += len(invalid)
    people = collections.defaultdict(list)
    for row in valid:
        people[row["key"]].append(row)
    for row in valid:
        rows = people[row["key"]]
        code = "duplicate" if row["key"] in seen else excluded(row, rows, suppressed, withdrawn, imported, planned, sender)
        seen[row["key"]] += 1
        if code:
            codes[code] += 1
        else:
            regions[region(row["country"])] += 1
            cohorts[f"{row['locale']}/{row['segment']}"] += 1
            lines.append(row["line"])
            assert row["key"] not in suppressed | withdrawn, "whoever objects anywhere is not written to"
    return {
        "rows": len(valid) + len(invalid),
        "written": sum(cohorts.values()),
        "excluded": {code: n for code, n in sorted(codes.items()) if n},
        "by_region": dict(sorted(regions.items())),
        "cohorts": dict(sorted(cohorts.items())),
        "objection_assumed": assumed,
        "objection_unknown_word": unknown,
        "invalid": invalid,
    }, lines


def planned_send(as_of, imported):
    """Months are counted in the offset that the planned send is written in."""
    if as_of and moment(as_of) >= imported:
        return moment(as_of)
    return imported


def many():
    for line in sys.stdin:
        one = json.loads(line)
        imported = moment(one["imported"])
        answer, lines = decide(one["list"], imported, planned_send(one["as_of"], imported), one["sender"])
        print(json.dumps(answer | {"lines": lines}, ensure_ascii=False))


def main():
    if sys.argv[1] == "--lists":
        return many()
    folder = pathlib.Path(sys.argv[1])
    settings = (folder / "campaign.yaml").read_text("utf-8")
    key = lambda name: re.search(rf"^\s*{name}:\s*[\"']?([^\"'\s]+)", settings, re.M)
    imported = moment(sys.argv[2]) if len(sys.argv) > 2 else dt.datetime.now(dt.timezone.utc)
    as_of = key("as_of")
    planned = planned_send(as_of[1] if as_of else "", imported)
    text = (folder / "subscribers.csv").read_bytes().decode("utf-8")
    answer, _ = decide(text, imported, planned, key("country")[1])
    print(json.dumps(answer, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
