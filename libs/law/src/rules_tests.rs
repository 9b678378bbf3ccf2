//! The table, row by row, its boundary dates, and what holds for every row at all.

use proptest::prelude::*;

use super::*;

const AS_OF: &str = "2026-03-31T12:00:00+02:00";

fn judge(country: &str, born: &str, consent: [&str; 3], known: Known) -> Decision {
    let as_of = AsOf::parse(AS_OF).unwrap();
    let [consent, at, source] = consent;
    let fields = ["1", "a@b.c", "", country, "en", "all", born, consent, at, source, "false"];
    decide(&Row::parse(&fields, &as_of).unwrap(), &known, &as_of)
}

const EXPRESS: [&str; 3] = ["express", "2020-01-01T00:00:00Z", "form"];
const NOBODY: Known = Known { seen_above: false, suppressed: false, withdrawn: false };

#[test]
fn every_rule_of_every_country() {
    let [express_bare, express_timed, express_sourced] =
        [["express", "", ""], ["express", "2020-01-01T00:00:00Z", ""], ["express", "", "form"]];
    let implied = ["implied", "2025-01-01T00:00:00Z", "shop"];
    let old = ["implied", "2024-03-31T09:59:59Z", "shop"];
    for (countries, consent, code, article) in [
        // Rules 6 and 9.
        ("DE NO JP JE", EXPRESS, "consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("GB", EXPRESS, "consent", "UK GDPR 6(1)(a), 7(1); PECR 22"),
        ("CH", EXPRESS, "consent", "FADP 6; UCA 3(1)(o)"),
        ("DE NO JP JE", express_bare, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("DE NO JP JE", express_timed, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("DE NO JP JE", express_sourced, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("DE NO JP JE", implied, "no_consent", "GDPR 6(1)(a), 7(1); ePrivacy 13"),
        ("GB", implied, "no_consent", "UK GDPR 6(1)(a), 7(1); PECR 22"),
        ("CH", ["none", "", ""], "no_consent", "FADP 6; UCA 3(1)(o)"),
        // Rule 7.
        ("CA", EXPRESS, "consent", "CASL s.10"),
        ("CA", express_timed, "consent", "CASL s.10"),
        ("CA", express_sourced, "no_consent", "CASL s.10"),
        ("CA", implied, "implied_consent", "CASL s.10"),
        ("CA", old, "implied_expired", "CASL s.10"),
        ("CA", ["implied", "", "shop"], "no_consent", "CASL s.10"),
        ("CA", ["none", "2025-01-01T00:00:00Z", "shop"], "no_consent", "CASL s.10"),
        // Rule 8.
        ("US", EXPRESS, "consent", "CAN-SPAM 15 U.S.C. 7704"),
        ("US", express_bare, "consent", "CAN-SPAM 15 U.S.C. 7704"),
        ("US", old, "legitimate_interest", "CAN-SPAM 15 U.S.C. 7704"),
        ("US", ["none", "", ""], "legitimate_interest", "CAN-SPAM 15 U.S.C. 7704"),
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
    let known = |seen_above, suppressed, withdrawn| Known { seen_above, suppressed, withdrawn };
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
fn implied_consent_ends_after_24_calendar_months() {
    for (at, code) in [
        ("2024-03-31T12:00:00+02:00", "implied_consent"),
        ("2024-03-31T10:00:00Z", "implied_consent"),
        ("2024-03-31T11:59:59.999999999+02:00", "implied_expired"),
        ("2026-03-31T10:00:00Z", "implied_consent"),
    ] {
        assert_eq!(judge("CA", "", ["implied", at, ""], NOBODY).outcome.code(), code, "{at}");
    }
}

#[test]
fn the_rows_own_flag_suppresses() {
    let as_of = AsOf::parse(AS_OF).unwrap();
    let fields = ["1", "a@b.c", "", "US", "en", "all", "", "express", "", "", "true"];
    let decision = decide(&Row::parse(&fields, &as_of).unwrap(), &NOBODY, &as_of);
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
            prop_assert_eq!(basis == Basis::Consent, consent == "express");
        }
        // Knowing more against a person never makes a row allowed.
        let worse = Known { suppressed: true, ..known };
        prop_assert!(!matches!(judge(country, born, [consent, at, source], worse).outcome, Outcome::Allowed(_)));
    }
}
