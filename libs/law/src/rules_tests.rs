//! The table, row by row, its boundary dates, and what holds for every row at all.

use proptest::prelude::*;

use super::*;

fn when() -> When {
    When::new("2026-03-01T00:00:00Z".parse().unwrap(), "2026-03-31T12:00:00+02:00").unwrap()
}

/// From a sender in the United States, whose own law asks for the least.
fn judge(country: &str, born: &str, consent: [&str; 3], known: Known) -> Decision {
    judge_from("US", country, born, consent, "", known)
}

fn judge_from(
    sender: &str,
    country: &str,
    born: &str,
    [consent, at, source]: [&str; 3],
    implied_by: &str,
    known: Known,
) -> Decision {
    let fields = ["1", "a@b.c", "", country, "en", "all", born, consent, at, source, "false", implied_by];
    decide(&Row::parse(&fields, &when()).unwrap(), &known, &when(), Country::parse(sender).unwrap())
}

fn countries(codes: &str) -> Jurisdictions {
    let mut countries = Jurisdictions::default();
    codes.split(' ').for_each(|code| countries.insert(Country::parse(code).unwrap().jurisdiction()));
    countries
}

const EXPRESS: [&str; 3] = ["express", "2020-01-01T00:00:00Z", "form"];
const NOBODY: Known = Known {
    seen_above: false,
    suppressed: false,
    withdrawn: false,
    born: None,
    countries: Jurisdictions::from_bits(0),
};

#[test]
fn every_rule_of_every_country() {
    let [express_bare, express_timed, express_sourced] =
        [["express", "", ""], ["express", "2020-01-01T00:00:00Z", ""], ["express", "", "form"]];
    let implied = ["implied", "2025-11-01T00:00:00Z", "shop"];
    let old = ["implied", "2025-09-30T09:59:59Z", "shop"];
    for (countries, consent, code, article) in [
        // Rules 6 and 9.
        ("DE NO AX", EXPRESS, "consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("JP JE BR", EXPRESS, "consent", "house rule: as in the EU"),
        ("GB", EXPRESS, "consent", "UK GDPR 6(1)(a), 7(1); PECR 22"),
        ("CH", EXPRESS, "consent", "UWG 3(1)(o)"),
        ("DE NO AX", express_bare, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("JP JE BR", express_bare, "no_consent", "house rule: as in the EU"),
        ("DE NO AX", express_timed, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("JP JE BR", express_timed, "no_consent", "house rule: as in the EU"),
        ("DE NO AX", express_sourced, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("JP JE BR", express_sourced, "no_consent", "house rule: as in the EU"),
        ("DE NO AX", implied, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("JP JE BR", implied, "no_consent", "house rule: as in the EU"),
        ("GB", implied, "no_consent", "UK GDPR 6(1)(a), 7(1); PECR 22"),
        ("CH", ["none", "", ""], "no_consent", "UWG 3(1)(o)"),
        // Rule 7.
        ("CA", EXPRESS, "consent", "CASL 6(1)(a), 10(1)"),
        ("CA", express_timed, "consent", "CASL 6(1)(a), 10(1)"),
        ("CA", express_sourced, "no_consent", "CASL 6(1)(a), 10(1)"),
        ("CA", implied, "implied_consent", "CASL 10(9)-(10)"),
        ("CA", old, "implied_expired", "CASL 10(9)-(10)"),
        ("CA", ["implied", "", "shop"], "no_consent", "CASL 6(1)(a), 10(1)"),
        ("CA", ["none", "2025-01-01T00:00:00Z", "shop"], "no_consent", "CASL 6(1)(a), 10(1)"),
        // Rule 8.
        ("US", EXPRESS, "consent", "CAN-SPAM 15 U.S.C. 7704"),
        ("US", express_timed, "consent", "CAN-SPAM 15 U.S.C. 7704"),
        ("US", express_bare, "opt_out", "CAN-SPAM 15 U.S.C. 7704(a)(3)-(5)"),
        ("US", old, "opt_out", "CAN-SPAM 15 U.S.C. 7704(a)(3)-(5)"),
        ("US", ["none", "", ""], "opt_out", "CAN-SPAM 15 U.S.C. 7704(a)(3)-(5)"),
    ] {
        for country in countries.split(' ') {
            let decision = judge(country, "", consent, NOBODY);
            assert_eq!((decision.outcome.code(), decision.article), (code, article), "{country} {consent:?}");
        }
    }
}

#[test]
fn the_order_of_rules_2_to_5() {
    let withdrawn = ["withdrawn", "", ""];
    let known = |seen_above, suppressed, withdrawn| Known { seen_above, suppressed, withdrawn, ..NOBODY };
    for country in ["DE", "CA", "US", "JP"] {
        for (known, born, consent, code) in [
            (known(true, true, true), "2020", withdrawn, "duplicate"),
            (known(false, true, true), "2020", withdrawn, "suppressed"),
            (known(false, false, true), "2020", EXPRESS, "withdrawn"),
            (known(false, false, false), "2020", withdrawn, "withdrawn"),
            (known(false, false, false), "2020", EXPRESS, "minor"),
        ] {
            assert_eq!(judge(country, born, consent, known).outcome.code(), code, "{country}");
        }
    }
}

#[test]
fn of_age_only_when_certainly_so() {
    for (born, code) in [
        ("2007", "consent"),
        ("2008", "minor"),
        ("2026", "minor"),
        ("2030", "minor"),
        ("0000", "consent"),
        ("", "consent"),
    ] {
        assert_eq!(judge("DE", born, EXPRESS, NOBODY).outcome.code(), code, "{born}");
    }
}

#[test]
fn implied_consent_ends_after_24_or_6_calendar_months() {
    for (at, by, code) in [
        ("2024-03-31T12:00:00+02:00", "purchase", "implied_consent"),
        ("2024-03-31T10:00:00Z", "Contract", "implied_consent"),
        ("2024-03-31T11:59:59.999999999+02:00", "purchase", "implied_expired"),
        // The day is clamped: there is no 31 September.
        ("2025-09-30T12:00:00+02:00", "inquiry", "implied_consent"),
        ("2025-09-30T10:00:00Z", "", "implied_consent"),
        ("2025-09-30T09:59:59Z", "", "implied_expired"),
        ("2025-09-30T09:59:59Z", "somehow", "implied_expired"),
        ("2025-09-30T09:59:59Z", "purchase", "implied_consent"),
        ("2026-03-01T00:00:00Z", "", "implied_consent"),
    ] {
        let decision = judge_from("US", "CA", "", ["implied", at, ""], by, NOBODY);
        assert_eq!(decision.outcome.code(), code, "{at} {by}");
    }
}

#[test]
fn the_senders_own_country_binds_too() {
    let implied = ["implied", "2026-01-01T00:00:00Z", "shop"];
    for (sender, recipient, consent, code, article) in [
        ("GB", "US", ["none", "", ""], "no_consent", "UK GDPR 6(1)(a), 7(1); PECR 22"),
        ("DE", "US", implied, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("CA", "US", ["none", "", ""], "no_consent", "CASL 6(1)(a), 10(1)"),
        ("CA", "US", implied, "implied_consent", "CASL 10(9)-(10)"),
        ("CH", "CA", implied, "no_consent", "UWG 3(1)(o)"),
        ("JP", "CA", implied, "no_consent", "house rule: as in the EU"),
        ("US", "DE", implied, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("US", "CA", implied, "implied_consent", "CASL 10(9)-(10)"),
        ("GB", "US", EXPRESS, "consent", "CAN-SPAM 15 U.S.C. 7704"),
        ("GB", "CA", EXPRESS, "consent", "CASL 6(1)(a), 10(1)"),
    ] {
        let decision = judge_from(sender, recipient, "", consent, "", NOBODY);
        assert_eq!((decision.outcome.code(), decision.article), (code, article), "{sender} to {recipient}");
        assert_eq!(decision.region, Country::parse(recipient).unwrap().jurisdiction().region());
    }
}

#[test]
fn the_youngest_year_and_the_strictest_country_of_a_persons_rows_bind() {
    let implied = ["implied", "2026-01-01T00:00:00Z", "shop"];
    let old = ["implied", "2020-01-01T00:00:00Z", "shop"];
    for (country, born, consent, rows, youngest, code, article) in [
        ("US", "1980", EXPRESS, "US", Some(2015), "minor", "house rule: adults only"),
        ("US", "", EXPRESS, "US", Some(2015), "minor", "house rule: adults only"),
        ("US", "2015", EXPRESS, "US", None, "minor", "house rule: adults only"),
        ("US", "1980", EXPRESS, "US", Some(1990), "consent", "CAN-SPAM 15 U.S.C. 7704"),
        ("US", "", ["none", "", ""], "US DE", None, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("US", "", ["none", "", ""], "US CA", None, "no_consent", "CASL 6(1)(a), 10(1)"),
        ("US", "", implied, "CA US", None, "implied_consent", "CASL 10(9)-(10)"),
        ("US", "", old, "CA US BR", None, "implied_expired", "CASL 10(9)-(10)"),
        ("US", "", old, "GB CA US", None, "no_consent", "UK GDPR 6(1)(a), 7(1); PECR 22"),
        // The recipient's own comes first, and what all allow is allowed.
        ("CA", "", old, "CA DE", None, "implied_expired", "CASL 10(9)-(10)"),
        ("US", "", EXPRESS, "US DE CA", None, "consent", "CAN-SPAM 15 U.S.C. 7704"),
    ] {
        let known = Known { born: youngest, countries: countries(rows), ..NOBODY };
        let decision = judge(country, born, consent, known);
        assert_eq!((decision.outcome.code(), decision.article), (code, article), "{country} of {rows}");
        assert_eq!(decision.region, judge(country, "", EXPRESS, NOBODY).region, "the row stays where it is");
    }
}

#[test]
fn an_objection_is_put_on_record_with_the_recipients_law() {
    let known = |suppressed, withdrawn| Known { suppressed, withdrawn, ..NOBODY };
    for (country, suppressed, withdrawn) in [
        ("FR", "GDPR 21(3)", "GDPR 7(3)"),
        ("BR", "house rule: as in the EU", "house rule: as in the EU"),
        ("GB", "UK GDPR 21(3); PECR 22", "UK GDPR 7(3); PECR 22"),
        ("CH", "UWG 3(1)(o); FADP 30(2)(b)", "FADP 30(2)(b); UWG 3(1)(o)"),
        ("CA", "CASL 11(1)-(3)", "CASL 11(1)-(3)"),
        ("US", "CAN-SPAM 15 U.S.C. 7704(a)(4)", "CAN-SPAM 15 U.S.C. 7704(a)(4)"),
    ] {
        assert_eq!(judge_from("GB", country, "", EXPRESS, "", known(true, true)).article, suppressed);
        assert_eq!(judge_from("GB", country, "", EXPRESS, "", known(false, true)).article, withdrawn);
    }
}

#[test]
fn what_nobody_asked_for_is_an_advertisement_in_the_united_states() {
    let (never, bare) = (["none", "", ""], ["express", "", ""]);
    let since = ["implied", "2026-01-01T00:00:00Z", ""];
    for (sender, country, rows, consent, advertisement) in [
        ("US", "US", "US", never, true),
        ("US", "US", "US", since, true),
        ("US", "US", "US", bare, true),
        ("US", "US", "US", EXPRESS, false),
        // Somebody in two countries, whichever row comes first.
        ("CA", "CA", "CA US", since, true),
        ("CA", "US", "CA US", since, true),
        ("CA", "CA", "CA", since, false),
        ("CA", "CA", "CA US", EXPRESS, false),
        // What is sent from there.
        ("US", "CA", "CA", since, true),
        ("US", "DE", "DE", EXPRESS, false),
    ] {
        let rows = countries(rows);
        let decision = judge_from(sender, country, "", consent, "", Known { countries: rows, ..NOBODY });
        assert!(matches!(decision.outcome, Outcome::Allowed(_)), "{sender} to {country}");
        let told = is_advertisement(decision.region, rows, Country::parse(sender), decision.outcome.code());
        assert_eq!(told, advertisement, "{sender} to {country} {consent:?}");
    }
}

#[test]
fn the_rows_own_flag_suppresses() {
    let fields = ["1", "a@b.c", "", "US", "en", "all", "", "express", "", "", "true"];
    let decision =
        decide(&Row::parse(&fields, &when()).unwrap(), &NOBODY, &when(), Country::parse("US").unwrap());
    assert_eq!((decision.outcome.code(), decision.region), ("suppressed", Region::Us));
}

#[test]
fn codes_are_distinct() {
    let mut codes: Vec<_> = Exclusion::ALL.iter().map(|exclusion| exclusion.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 7);
}

fn any_row() -> impl Strategy<Value = ([String; 5], Known)> {
    let country = prop::sample::select(vec!["DE", "RE", "IS", "GB", "CH", "CA", "US", "JP", "PR"]);
    let born = prop_oneof![Just(String::new()), "(19|20)[0-9]{2}"];
    let consent = prop::sample::select(vec!["express", "implied", "withdrawn", "none"]);
    let at = prop_oneof![Just(String::new()), "20(1[0-9]|2[0-5])-0[1-9]-[12][0-8]T0[0-9]:00:00[+-]0[0-9]:30"];
    let source = prop::sample::select(vec!["", "form"]);
    let known = any::<(bool, bool, bool)>().prop_map(|(seen_above, suppressed, withdrawn)| Known {
        seen_above,
        suppressed,
        withdrawn,
        ..NOBODY
    });
    let fields = (country, born, consent, at, source).prop_map(|(country, born, consent, at, source)| {
        [country.into(), born, consent.into(), at, source.into()]
    });
    (fields, known)
}

proptest! {
    #[test]
    fn no_objection_is_ever_overruled((fields, known) in any_row()) {
        let [country, born, consent, at, source] = fields.each_ref().map(String::as_str);
        let decision = judge(country, born, [consent, at, source], known);
        prop_assert_eq!(decision.region, judge(country, "", EXPRESS, NOBODY).region);
        if let Outcome::Allowed(basis) = decision.outcome {
            prop_assert!(!known.seen_above && !known.suppressed && !known.withdrawn && consent != "withdrawn");
            prop_assert!(born.is_empty() || born.parse::<i32>().unwrap() < 2008);
            prop_assert!(consent == "express" || ["CA", "US"].contains(&country));
            prop_assert!(!at.is_empty() || country == "US");
            // In the United States too, a consent that nobody can show is none.
            prop_assert_eq!(basis == Basis::Consent, consent == "express" && !at.is_empty());
        }
        // Knowing more against a person never makes a row allowed.
        let worse = Known { suppressed: true, ..known };
        prop_assert!(!matches!(judge(country, born, [consent, at, source], worse).outcome, Outcome::Allowed(_)));
    }
}
