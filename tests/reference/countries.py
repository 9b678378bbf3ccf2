#!/usr/bin/env python3
"""Makes the English names of countries, from pycountry (ISO 3166-1) and Babel (Unicode CLDR).

    pip install pycountry Babel
    python3 tests/reference/countries.py > libs/law/src/country/names.tsv
"""

import re
import unicodedata

import babel
import pycountry

# English names that neither source has: older ones, and the countries of the United Kingdom.
ALSO = {
    "CD": ["Democratic Republic of the Congo", "DR Congo"],
    "CI": ["Ivory Coast"],
    "CV": ["Cape Verde"],
    "CZ": ["Czech Republic"],
    "FM": ["Micronesia"],
    "GB": ["Great Britain", "England", "Scotland", "Wales", "Northern Ireland"],
    "IE": ["Republic of Ireland"],
    "KP": ["North Korea"],
    "KR": ["South Korea", "Republic of Korea"],
    "MK": ["Macedonia"],
    "MM": ["Burma", "Myanmar"],
    "NL": ["Holland"],
    "PS": ["Palestine"],
    "RU": ["Russia"],
    "SZ": ["Swaziland"],
    "TL": ["East Timor"],
    "TR": ["Turkey"],
    "US": ["United States of America"],
    "VA": ["Vatican"],
}


def folded(name):
    """As libs/law compares names: lower case, no accents, straight quotes, `and`, single blanks, no `the` before."""
    text = unicodedata.normalize("NFD", name.lower())
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"\s+", " ", text.replace("\u2019", "'").replace("&", "and").replace("\u0131", "i")).strip()
    return text.removeprefix("the ")


def main():
    english = babel.Locale("en").territories
    names = {}
    for country in pycountry.countries:
        code = country.alpha_2
        own = [country.name, getattr(country, "common_name", None), getattr(country, "official_name", None)]
        for name in [*own, english.get(code), *ALSO.get(code, [])]:
            if name:
                other = names.setdefault(folded(name), code)
                assert other == code, (name, other, code)
    for name, code in sorted(names.items()):
        print(f"{name}\t{code}")


if __name__ == "__main__":
    main()
