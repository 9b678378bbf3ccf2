//! Countries, the law that a recipient in one is protected by, and the region where the data stays.
//!
//! Territories with an ISO code of their own are judged by that code. The EU's outermost regions and Åland
//! are Union territory (TFEU 349, 355(1) and (4)), so their codes count as the EU. Everything else (the
//! Channel Islands, Gibraltar, Greenland, Puerto Rico, ...) is not the country it belongs to in the sense
//! of the rules and falls to the default, which is the strictest: being wrong there writes to nobody too many.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest text that is looked up as a name, in bytes.
const LONGEST_NAME: usize = 100;

/// Every code that ISO 3166-1 assigns, sorted. Reserved (`EU`, `UK`) and user-assigned (`XK`) ones are not.
const ASSIGNED: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES \
    ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE \
    IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU \
    NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM \
    SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE \
    VG VI VN VU WF WS YE YT ZA ZM ZW";
/// The Union's 27 members.
const MEMBERS: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
/// The EEA's other three.
const EEA: &str = "IS LI NO";
/// Åland, and the outermost regions with a code of their own (Azores, Madeira and Canaries have none).
const OUTERMOST: &str = "AX GF GP MF MQ RE YT";

/// English names, each with its code: ISO 3166-1's and CLDR's, made by tests/reference/countries.py.
const NAMES: &str = include_str!("country/names.tsv");

static NAMED: LazyLock<HashMap<&str, Country>> = LazyLock::new(|| {
    let named =
        |line: &'static str| line.split_once('\t').and_then(|(name, code)| Some((name, code_of(code)?)));
    NAMES.lines().filter_map(named).collect()
});

/// An assigned ISO 3166-1 alpha-2 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of an assigned code or of an English name, in any case, with or without accents; `None` for anything
    /// else, `UK` among it, which ISO 3166-1 reserves.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.len() {
            2 => code_of(text),
            3..=LONGEST_NAME => {
                let name = folded(text);
                NAMED.get(name.strip_prefix("the ").unwrap_or(&name)).copied()
            }
            _ => None,
        }
    }

    /// Why a text is no country, to be read behind the column's name. What was probably meant is asked and never assumed:
    /// it decides which law protects somebody.
    #[must_use]
    pub fn why_not(text: &str) -> &'static str {
        match text.trim() {
            text if text.eq_ignore_ascii_case("UK") => {
                "is no assigned ISO 3166-1 code and no English name (GB?)"
            }
            text if text.eq_ignore_ascii_case("USA") => {
                "is no assigned ISO 3166-1 code and no English name (US?)"
            }
            _ => "is no assigned ISO 3166-1 code and no English name",
        }
    }

    /// The law that a recipient here is protected by.
    #[must_use]
    pub fn jurisdiction(self) -> Jurisdiction {
        match &self.0 {
            b"GB" => Jurisdiction::UnitedKingdom,
            b"CH" => Jurisdiction::Switzerland,
            b"CA" => Jurisdiction::Canada,
            b"US" => Jurisdiction::UnitedStates,
            code if [MEMBERS, EEA, OUTERMOST].iter().any(|list| lists(list, *code)) => Jurisdiction::Europe,
            _ => Jurisdiction::Other,
        }
    }

    /// The two letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn code_of(text: &str) -> Option<Country> {
    let code: [u8; 2] = text.as_bytes().try_into().ok()?;
    let code = code.map(|letter| letter.to_ascii_uppercase());
    lists(ASSIGNED, code).then_some(Country(code))
}

/// Lower case without accents, straight apostrophes, `and` for `&`, single blanks: how [`NAMES`] are written.
fn folded(name: &str) -> String {
    let plain = name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).map(|c| match c {
        '\u{2019}' => '\'',
        'ı' => 'i',
        c => c,
    });
    let plain: String = plain.collect::<String>().replace('&', "and");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a list of codes, each followed by one space, has this one.
fn lists(list: &str, code: [u8; 2]) -> bool {
    list.as_bytes().chunks(3).any(|entry| entry.starts_with(&code))
}

/// The law that protects a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Jurisdiction {
    /// The European Union and the rest of the EEA: GDPR and ePrivacy Directive.
    Europe,
    /// United Kingdom: UK GDPR and PECR.
    UnitedKingdom,
    /// Switzerland: FADP and the Unfair Competition Act.
    Switzerland,
    /// Canada: CASL.
    Canada,
    /// United States: CAN-SPAM.
    UnitedStates,
    /// Anywhere else, judged as strictly as Europe.
    Other,
}

impl Jurisdiction {
    /// All of them, in the order of docs/lists.md.
    pub const ALL: [Self; 6] =
        [Self::Europe, Self::UnitedKingdom, Self::Switzerland, Self::Canada, Self::UnitedStates, Self::Other];

    /// Where the data of a recipient stays.
    #[must_use]
    pub fn region(self) -> Region {
        match self {
            Self::Europe | Self::Other => Region::Eu,
            Self::UnitedKingdom => Region::Uk,
            Self::Switzerland => Region::Ch,
            Self::Canada => Region::Ca,
            Self::UnitedStates => Region::Us,
        }
    }
}

/// Several laws at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Jurisdictions(u8);

impl Jurisdictions {
    /// Adds one.
    pub fn insert(&mut self, jurisdiction: Jurisdiction) {
        self.0 |= 1 << jurisdiction as u8;
    }

    /// Those that are in it, in the order of [`Jurisdiction::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Jurisdiction> {
        Jurisdiction::ALL.into_iter().filter(move |one| self.0 & (1 << *one as u8) != 0)
    }

    /// How it is kept: a bit for each of [`Jurisdiction::ALL`], the lowest first.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// What was kept. Bits that mean nothing are nobody's.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

/// A residency region: personal data of its recipients never leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Region {
    /// The European Economic Area, and whoever has no region of their own.
    Eu,
    /// United Kingdom.
    Uk,
    /// Switzerland.
    Ch,
    /// Canada.
    Ca,
    /// United States.
    Us,
}

impl Region {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Eu, Self::Uk, Self::Ch, Self::Ca, Self::Us];

    /// `eu`, `uk`, `ch`, `ca` or `us`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Uk => "uk",
            Self::Ch => "ch",
            Self::Ca => "ca",
            Self::Us => "us",
        }
    }

    /// The region of a name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(list: &str) -> Vec<&str> {
        list.split(' ').collect()
    }

    #[test]
    fn the_lists_are_whole_and_sorted() {
        for (list, len) in [(ASSIGNED, 249), (MEMBERS, 27), (EEA, 3), (OUTERMOST, 7)] {
            let codes = codes(list);
            assert_eq!(codes.len(), len);
            assert!(
                codes.is_sorted()
                    && codes.iter().all(|code| code.len() == 2 && Country::parse(code).is_some())
            );
        }
    }

    #[test]
    fn only_assigned_codes_and_english_names_are_countries() {
        for text in [
            "",
            "D",
            "DEU",
            "UK",
            "uk",
            "EU",
            "XK",
            "AN",
            "ZZ",
            "A ",
            " A",
            "É",
            "Deutschland",
            "the",
            "Atlantis",
        ] {
            assert_eq!(Country::parse(text), None, "{text}");
        }
        assert_eq!(Country::parse(&"x".repeat(1_000_000)), None);
        for (text, code) in [
            ("de", "DE"),
            ("De", "DE"),
            ("GERMANY", "DE"),
            ("Germany", "DE"),
            ("United  Kingdom", "GB"),
            ("Great Britain", "GB"),
            ("united states of america", "US"),
            ("The Netherlands", "NL"),
            ("Côte d\u{2019}Ivoire", "CI"),
            ("Ivory Coast", "CI"),
            ("Türkiye", "TR"),
            ("Turkey", "TR"),
            ("Bosnia & Herzegovina", "BA"),
            ("Korea, Republic of", "KR"),
            ("South Korea", "KR"),
            ("Åland Islands", "AX"),
            ("Czech Republic", "CZ"),
        ] {
            assert_eq!(
                Country::parse(text).map(|country| country.code().to_owned()).as_deref(),
                Some(code),
                "{text}"
            );
        }
        assert!(NAMES.lines().count() > 400 && NAMED.len() == NAMES.lines().count());
        assert!(
            NAMES.lines().all(|line| line.split_once('\t').is_some_and(|(name, _)| folded(name) == name))
        );
        for code in ASSIGNED.split(' ') {
            assert!(NAMED.values().any(|country| country.code() == code), "{code} has a name");
        }
    }

    #[test]
    fn law_and_region_of_every_kind_of_country() {
        use Jurisdiction::{Canada, Europe, Other, Switzerland, UnitedKingdom, UnitedStates};
        for (code, jurisdiction, region) in [
            ("DE", Europe, "eu"),
            ("GR", Europe, "eu"),
            ("HR", Europe, "eu"),
            ("NO", Europe, "eu"),
            ("LI", Europe, "eu"),
            ("RE", Europe, "eu"),
            ("AX", Europe, "eu"),
            ("GB", UnitedKingdom, "uk"),
            ("CH", Switzerland, "ch"),
            ("CA", Canada, "ca"),
            ("US", UnitedStates, "us"),
            ("JE", Other, "eu"),
            ("GL", Other, "eu"),
            ("PR", Other, "eu"),
            ("SJ", Other, "eu"),
            ("JP", Other, "eu"),
        ] {
            let country = Country::parse(code).unwrap();
            assert_eq!(
                (country.jurisdiction(), country.jurisdiction().region().name()),
                (jurisdiction, region),
                "{code}"
            );
        }
        assert!(Region::ALL.into_iter().all(|region| Region::parse(region.name()) == Some(region)));
        let mut several = crate::Jurisdictions::default();
        [Other, Canada, Other].into_iter().for_each(|one| several.insert(one));
        let kept = crate::Jurisdictions::from_bits(several.bits());
        assert_eq!((kept.bits(), kept.iter().collect::<Vec<_>>()), (0b10_1000, vec![Canada, Other]));
        assert_eq!(Region::parse("EU"), None);
    }
}
