#!/usr/bin/env python3
"""Makes subscribers.csv: about 200 made-up people, with every outcome of DESIGN.md's table among them.

    python3 make_subscribers.py > subscribers.csv

No randomness: the same file every time. All addresses are under domains that RFC 2606 reserves. What depends on the day
stands in double braces: `cargo xtask up` runs a copy with dates there (libs/testkit/src/sample.rs).
"""

import csv
import sys

HEADER = (
    "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed,implied_by"
).split(",")
DOMAINS = ["example.com", "example.org", "example.net", "mail.example.com", "post.example.org"]
SOURCES = ["signup form", "checkout box", "shop counter", "garden show 2025", "newsletter page"]

# country -> (locale of the mail, first names)
PEOPLE = {
    "GB": ("en-GB", "Amelia Oliver Isla Harry Freya George Poppy Alfie Imogen Rhys Eilidh Callum Zoë Nasreen "
                    "Tobias Beatrix Hamish Gwen Arthur Priya Edith Jasper Olive Kofi Maisie Rupert Sunita Euan".split()),
    "IE": ("en-IE", "Siobhán Cormac Aoife Pádraig Niamh Eoin Róisín Fionn Caoimhe Declan Gráinne Tadhg Orla Cian "
                    "Sinéad Donal Maeve Ruairí".split()),
    "DE": ("en-IE", "Jürgen Käthe Benno Ursula Günter Annegret Lars Sabine Wolfgang Heike Jörg Martina".split()),
    "NO": ("en-GB", "Bjørn Ingrid Sølvi Håkon Astrid Øyvind Kari Leif".split()),
    "CH": ("en-GB", "Reto Célia Urs Noëlle Beat Chiara Matteo Vreni".split()),
    "US": ("en-US", "Emily Jacob Madison Tyler Abigail Ethan Destiny Marcus Guadalupe Xavier Hannah Brandon "
                    "Ashley Jamal Kaitlyn Diego Brooke Logan Savannah Trevor Naomi Wesley Camila Dwight".split()),
    "CA": ("en-CA", "François Chloé Liam Émilie Noah Geneviève Owen Maëlle Nathan Amélie Lucas Zainab Étienne "
                    "Sophie Gurpreet Tessa".split()),
    "AU": ("en-GB", "Lachlan Matilda Cooper Kirra Angus Bronte".split()),
}
SEGMENTS = {
    "en-GB": ["loyal-customers", "balcony-gardeners"],
    "en-IE": ["loyal-customers"],
    "en-US": ["loyal-customers", "new-subscribers"],
    "en-CA": ["new-subscribers"],
}
ASCII = str.maketrans("áàâäåãçéèêëíîïñóôöøõúùûüÉØ", "aaaaaaceeeeiiinooooouuuuEO")


def ordinary():
    """People of every country who mostly may be written to."""
    number = 0
    for turn in range(2):
        for country, (locale, names) in PEOPLE.items():
            for index, name in enumerate(names[: len(names) if turn == 0 else len(names) // 3]):
                number += 1
                segments = SEGMENTS[locale]
                local = name.translate(ASCII).lower() + (f".{number}" if turn else "")
                opted_out_country = country == "US" and index % 2 == 0
                yield {
                    "email": f"{local}@{DOMAINS[number % len(DOMAINS)]}",
                    "first_name": "" if number % 17 == 0 else name,
                    "country": country,
                    "locale": locale,
                    "segment": segments[index % len(segments)],
                    "birth_year": "" if number % 5 == 0 else str(1948 + number * 7 % 55),
                    "consent": "none" if opted_out_country else "express",
                    "consent_at": "" if opted_out_country else consent_day(number),
                    "consent_source": "" if opted_out_country else SOURCES[number % len(SOURCES)],
                    "suppressed": "false",
                }


def consent_day(number):
    """A moment in 2023 to 2025, at changing offsets."""
    offset = ["Z", "+01:00", "-05:00", "+00:00"][number % 4]
    return f"{2023 + number % 3}-{number * 5 % 12 + 1:02}-{number * 11 % 28 + 1:02}T{number % 24:02}:15:00{offset}"


def special():
    """One row or a few for each outcome, in the order of the table."""
    base = {
        "first_name": "Robin", "country": "GB", "locale": "en-GB", "segment": "loyal-customers",
        "birth_year": "1980", "consent": "express", "consent_at": "2025-02-03T10:00:00Z",
        "consent_source": "signup form", "suppressed": "false",
    }

    def row(email, **changes):
        return {**base, "email": email, **changes}

    us = {"country": "US", "locale": "en-US"}
    ca = {"country": "CA", "locale": "en-CA", "segment": "new-subscribers", "consent": "implied"}
    # Rule 1, a value at fault, or one too few or too many.
    yield row("no-at-sign.example.com")
    yield row("two words@example.com")
    yield row("dot..dot@example.org")
    yield row("someone@localhost")
    yield row('"quoted local"@example.net')
    yield row("a" * 65 + "@example.com")
    yield row("", first_name="Nobody")
    yield row("locale-missing@example.com", locale="")
    yield row("uk-is-not-a-code@example.com", country="UK")
    yield row("unassigned@example.org", country="XX")
    yield row("maybe@example.com", consent="maybe")
    yield row("perhaps-suppressed@example.com", suppressed="perhaps")
    yield row("short-year@example.com", birth_year="85")
    yield row("bad-date@example.com", consent_at="2025-02-30T10:00:00Z")
    yield row("no-offset@example.com", consent_at="2025-02-03T10:00:00")
    yield row("tomorrow@example.com", consent_at="{{day+2d}}")
    yield row("a-field-short@example.com", suppressed=None)
    yield row("a-field-too-many@example.com", more="false")
    # Rule 2: a person is one in whichever case; an invalid row does not count.
    yield row("amelia@Example.ORG", first_name="Amelia")
    yield row("Amelia@example.org", first_name="Amelia")
    yield row("tomorrow@example.com", first_name="Tamsin")
    yield row("siobhan@POST.Example.Org", first_name="Siobhán", country="IE", locale="en-IE")
    yield row("robin.twice@example.com")
    yield row("robin.twice@example.com", segment="balcony-gardeners")
    # Rule 3: in this row, or in a later one.
    yield row("keep-me-out@example.com", suppressed="true")
    yield row("us-keep-me-out@example.net", suppressed="true", **us)
    yield row("out-by-a-later-row@example.org")
    yield row("out-by-a-later-row@example.org", suppressed="true")
    yield row("suppressed-before-withdrawn@example.org", suppressed="true", consent="withdrawn")
    # Rule 4, opt-out countries included.
    yield row("changed-my-mind@example.com", consent="withdrawn")
    yield row("us-changed-my-mind@example.com", consent="withdrawn", **us)
    yield row("withdrawn-in-a-later-row@example.net")
    yield row("withdrawn-in-a-later-row@example.net", consent="withdrawn")
    # Rule 5: who turns 18 this year is not certainly of age, who did last year is.
    yield row("perhaps-17@example.com", birth_year="{{year-18}}")
    yield row("surely-18@example.com", birth_year="{{year-19}}")
    yield row("us-minor@example.com", birth_year="{{year-15}}", **us)
    # Rule 6: EU, EEA, UK, Switzerland want express consent with its moment and its source.
    yield row("uk-implied@example.com", consent="implied")
    yield row("de-none@example.org", country="DE", locale="en-IE", consent="none", consent_at="", consent_source="")
    yield row("no-moment@example.org", country="NO", consent_at="")
    yield row("no-source@example.net", country="CH", consent_source="")
    yield row("ie-implied@example.com", country="IE", locale="en-IE", consent="implied")
    # Rule 7: Canada counts 24 calendar months from a purchase or contract, 6 from an inquiry or from nobody knows what.
    yield row("ca-implied-new@example.com", **ca | {"consent_at": "{{day-3mo}}"})
    yield row("ca-bought-just@example.com", **ca | {"consent_at": "{{day-24mo+2d}}", "implied_by": "purchase"})
    yield row("ca-bought-over@example.com", **ca | {"consent_at": "{{day-24mo-2d}}", "implied_by": "contract"})
    yield row("ca-asked-over@example.org", **ca | {"consent_at": "{{day-6mo-2d}}", "implied_by": "inquiry"})
    yield row("ca-implied-undated@example.net", **ca | {"consent_at": ""})
    yield row("ca-none@example.net", **ca | {"consent": "none", "consent_at": ""})
    yield row("ca-express-no-source@example.net", **ca | {"consent": "express", "consent_source": ""})
    # Rule 8: the United States is opt-out, and the sender's own country, the United Kingdom, is not.
    yield row("us-none@example.com", **us | {"consent": "none", "consent_at": "", "consent_source": ""})
    yield row("us-implied@example.com", **us | {"segment": "new-subscribers", "consent": "implied"})
    # Rule 9: a country without rules of its own is judged by the strictest.
    yield row("au-implied@example.com", country="AU", consent="implied")
    yield row("au-express@example.com", country="AU")
    # Addresses beyond ASCII (RFC 6531), and names that a renderer has to escape or leave out.
    yield row("jörg.müller@example.org", first_name="Jörg", country="DE", locale="en-IE")
    yield row("käthe@gärten.example.org", first_name="Käthe", country="DE", locale="en-IE")
    yield row("o'hara+garden@example.com", first_name="Miles O'Hara", country="IE", locale="en-IE")
    yield row("addie@example.com", first_name='Ada "Addie"', **us)
    yield row("kim.and.lee@example.com", first_name="Kim & Lee", **us)
    yield row("ng@example.net", first_name="Ng, Jr.", country="CA", locale="en-CA", segment="new-subscribers")
    yield row("nameless@example.net", first_name="", segment="balcony-gardeners")


def spread(people, specials):
    """The special rows, in their order, spread among the ordinary ones."""
    people, specials = list(people), list(specials)
    # The first people come first: rows of rule 2 repeat some of them.
    rows, step = people[:40], (len(people) - 40) / len(specials)
    for index, odd in enumerate(specials):
        rows += people[40 + round(index * step) : 40 + round((index + 1) * step)] + [odd]
    return rows


def main():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(HEADER)
    for number, row in enumerate(spread(ordinary(), special()), 1):
        fields = [f"FH{number:04}"] + [row.get(column, "") for column in HEADER[1:]]
        out.writerow([field for field in [*fields, row.get("more")] if field is not None])


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    main()
