//! Addresses: what is read, what is written to, and who is one person.

use super::*;

#[test]
fn what_is_written_to_keeps_the_spelling() {
    for (text, canonical) in [
        ("Ada.Lovelace+x@Example.COM", "Ada.Lovelace+x@example.com"),
        ("!#$%&'*+-/=?^_`{|}~@a.b", "!#$%&'*+-/=?^_`{|}~@a.b"),
        // A server without SMTPUTF8 takes no U-label.
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@ab--cd.example", "a@ab--cd.example"),
        // UTS 46, not transitional: ß is a letter of its own.
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("Jörg@Bücher.example", "Jörg@bücher.example"),
        // What people read is what was compared, however it was spelled.
        ("Jörg@xn--bcher-kva.example", "Jörg@bücher.example"),
        ("Jörg@BU\u{308}CHER.example", "Jörg@bücher.example"),
        ("Jörg@\u{ff42}ücher.example", "Jörg@bücher.example"),
        ("Jörg@\u{ff42}ook.example", "Jörg@book.example"),
        ("Jörg@ΟΔΟΣ-ΑΘΗΝΑ.gr", "Jörg@οδοσ-αθηνα.gr"),
    ] {
        let address = EmailAddress::parse(text).unwrap();
        assert_eq!(address.as_str(), canonical);
        assert_eq!(address.needs_smtputf8(), !text.split('@').next().unwrap().is_ascii(), "{text}");
    }
}

#[test]
fn spellings_of_one_person() {
    for (one, other) in [
        ("Carol@example.com", "carol@EXAMPLE.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@BU\u{308}CHER.example", "a@bücher.example"),
        // Ideographic and full-width full stops separate labels (UTS 46).
        ("a@例子\u{3002}广告", "a@例子.广告"),
        ("JÖRG@b.example", "jo\u{308}rg@b.example"),
        ("ÅSA@b.example", "a\u{30a}sa@b.example"),
        ("\u{212b}sa@b.example", "åsa@b.example"),
        // Case-folding: lower case has two sigmas, and capitals have no ß.
        ("ΝΙΚΟΣ.Π@b.example", "νικος.π@b.example"),
        ("ΝΙΚΟΣ@b.example", "νικος@b.example"),
        ("STRASSE@b.example", "straße@b.example"),
    ] {
        // A domain without an ASCII dot is refused before; the rest has to agree.
        let (Ok(one), Ok(other)) = (EmailAddress::parse(one), EmailAddress::parse(other)) else {
            assert!(one.contains('\u{3002}'));
            continue;
        };
        assert_eq!(one, other);
        assert_eq!(one.comparison(), other.comparison());
    }
    for (one, other) in
        [("a.b@c.example", "ab@c.example"), ("a+x@c.example", "a@c.example"), ("ı@c.example", "i@c.example")]
    {
        assert_ne!(EmailAddress::parse(one).unwrap(), EmailAddress::parse(other).unwrap());
    }
}

#[test]
fn the_former_forms_are_what_was_hashed_before() {
    for (text, formers) in [
        ("Carol@Example.com", &["Carol@example.com"][..]),
        ("carol@Example.com", &[]),
        ("a@bücher.example", &["a@bücher.example"]),
        ("a@xn--bcher-kva.example", &[]),
        ("jörg@bücher.example", &["jörg@bücher.example"]),
        ("jörg@xn--bcher-kva.example", &[]),
        // In lower case, what is folded now was another.
        ("Straße@b.example", &["Straße@b.example", "straße@b.example"]),
        ("νικος@b.example", &["νικος@b.example"]),
        ("ΝΙΚΟΣ.Π@b.example", &["ΝΙΚΟΣ.Π@b.example"]),
        // A domain in capitals was put into lower case first, where a word ends in another sigma.
        ("a@ΟΔΟΣ-ΑΘΗΝΑ.gr", &["a@οδος-αθηνα.gr", "a@xn----zlbajrf0bkb4a.gr"]),
    ] {
        assert_eq!(EmailAddress::parse(text).unwrap().formers(), formers, "{text}");
    }
}

#[test]
fn who_objects_is_found_as_people_leave_it() {
    for text in [
        "carol@example.com",
        " Carol@example.com\u{a0}",
        "carol@example.com\u{200b}",
        "\u{feff}carol@example.com",
        "Carol Jones <carol@example.com>",
        "\"Jones, Carol\" < CAROL@example.com >",
        "<carol@example.com>",
        "mailto:carol@example.com",
        "MAILTO:carol@example.com?subject=unsubscribe",
        "Carol <mailto:carol@example.com>",
        "'carol@example.com'",
        "carol@example.com.",
        "carol@example.com;",
        "mailto:carol%40example.com",
        "mailto:c%61rol@example.com?subject=a%20b",
        "\"carol\"@example.com",
        "Carol <\"carol\"@example.com>",
        "\"ca\\rol\"@example.com.",
        // Whatever may not end a domain.
        "carol@example.com*",
        "*carol@example.com*",
        "Carol <#carol@example.com#>",
        "carol@example.com_",
        "carol@example.com&",
        "~\u{201e}carol@example.com*\u{201c}",
        "\"carol\"@example.com*",
    ] {
        assert_eq!(EmailAddress::find(text).unwrap().comparison(), "carol@example.com", "{text:?}");
    }
    assert_eq!(EmailAddress::find("o'hara@example.com").unwrap().as_str(), "o'hara@example.com");
    for text in
        ["", "carol", "@", "a@b", "two@a.example three@b.example", "<>", "mailto:", "Ä\u{fe0f}ailto:x"]
    {
        assert!(EmailAddress::find(text).is_none(), "{text:?}");
    }
}

#[test]
fn an_address_may_stand_in_one_by_accident() {
    for (text, within) in [
        ("'carol@x.example", Some("carol@x.example")),
        ("`{Carol@x.example", Some("carol@x.example")),
        ("email=carol@x.example", Some("carol@x.example")),
        ("smtp/'carol@x.example", Some("carol@x.example")),
        ("ann|carol@x.example", Some("carol@x.example")),
        ("*carol@x.example", Some("carol@x.example")),
        ("_carol@x.example", Some("carol@x.example")),
        // As word processors quote; an A-label would hide the mark at the end.
        ("“carol@x.example”", Some("carol@x.example")),
        ("„carol@x.example“", Some("carol@x.example")),
        ("‘carol@x.example", Some("carol@x.example")),
        ("carol@x.example’", Some("carol@x.example")),
        ("«Jörg@bücher.example»", Some("jörg@xn--bcher-kva.example")),
        ("“email=carol@x.example”", Some("carol@x.example")),
        ("carol@x.example", None),
        ("jörg@bücher.example", None),
        // A domain whose last letter has a virama.
        ("carol@x.சிங்கப்பூர்", None),
        ("“@x.example”", None),
        ("o'hara@x.example", None),
        ("carol=@x.example", None),
    ] {
        let address = EmailAddress::parse(text).unwrap();
        let found = address.within();
        assert_eq!(found.as_ref().map(EmailAddress::comparison), within, "{text}");
        assert_eq!(address.is_nobodys(), text.ends_with(['”', '“', '’', '»']), "{text}");
    }
}

#[test]
fn a_field_of_several_addresses_has_them_all() {
    for (text, found) in [
        ("a@x.example; b@x.example", &["a@x.example", "b@x.example"][..]),
        ("Ann <a@x.example>, Bob <B@x.example>", &["b@x.example", "a@x.example"]),
        ("carol@x.example (Carol)", &["carol@x.example"]),
        ("Carol carol@x.example", &["carol@x.example"]),
        ("a@x.example,A@X.example", &["a@x.example"]),
        ("a b@c", &[]),
        ("", &[]),
        // As directories and other systems label and join them.
        ("SMTP:a@x.example", &["a@x.example"]),
        ("Email:a@x.example", &["a@x.example"]),
        ("SMTP:a@x.example;smtp:b@x.example", &["a@x.example", "b@x.example"]),
        ("a@x.example|b@x.example", &["a@x.example", "b@x.example"]),
        ("a@x.example/b@x.example", &["a@x.example", "b@x.example"]),
        ("a@x.example=b@x.example", &["a@x.example", "b@x.example"]),
        ("a@x.example?subject=stop", &["a@x.example"]),
        ("\"a@x.example\"\"b@x.example\"", &["a@x.example", "b@x.example"]),
        ("\"a\"@x.example, \"b\"@x.example", &["a@x.example", "b@x.example"]),
        ("\"a b\"@x.example", &[]),
        // Where it is an address by itself, nothing in it separates.
        ("a/b@x.example", &["a/b@x.example"]),
        ("a=b@x.example", &["a=b@x.example"]),
        ("100%25@x.example", &["100%25@x.example"]),
        ("mailto:a%2Bnews@x.example", &["a+news@x.example"]),
        ("mailto:a%2Bx@y.example,b%2Bx@y.example?subject=x", &["a+x@y.example", "b+x@y.example"]),
        ("<a href=\"MAILTO:a%2Bnews@x.example\">A</a>", &["a+news@x.example"]),
        ("see mailto:a@x.example?cc=b@x.example", &["a@x.example"]),
    ] {
        let all = EmailAddress::find_all(text);
        assert_eq!(all.iter().map(EmailAddress::comparison).collect::<Vec<_>>(), found, "{text}");
    }
}

#[test]
fn a_domain_is_mapped_as_uts_46_has_it() {
    // Python's `idna` 3.x, `encode(…, uts46=True)`.
    let address =
        EmailAddress::parse("a@\u{39f}\u{394}\u{39f}\u{3a3}-\u{391}\u{398}\u{397}\u{39d}\u{391}.gr").unwrap();
    assert_eq!(address.comparison(), "a@xn----zlbajrf0bkb4b.gr");
}

#[test]
fn refuses_what_rfc_5321_refuses() {
    use AddressError::{Domain, Local, Shape};
    for (text, error) in [
        ("", Shape),
        ("plain", Shape),
        ("@a.b", Shape),
        ("a@", Shape),
        ("a@@b.c", Local),
        ("a@b@c.d", Local),
        ("a b@c.d", Local),
        ("\"a b\"@c.d", Local),
        (".a@b.c", Local),
        ("a.@b.c", Local),
        ("a..b@c.d", Local),
        ("a\r\nBcc: x@b.c", Local),
        ("a\u{a0}b@c.d", Local),
        ("a\u{85}@c.d", Local),
        ("a\u{200b}b@c.d", Local),
        ("a\u{ad}b@c.d", Local),
        ("\u{feff}a@c.d", Local),
        ("\u{202e}a@c.d", Local),
        ("a<b@c.d", Local),
        ("a@localhost", Domain),
        ("a@b..c", Domain),
        ("a@.b.c", Domain),
        ("a@b.c.", Domain),
        ("a@-b.c", Domain),
        ("a@b-.c", Domain),
        ("a@b_c.d", Domain),
        ("a@b c.d", Domain),
        ("a@b.c\u{200e}", Domain),
        ("a@b\u{2060}.c", Domain),
        ("a@b.c ", Domain),
        ("a@b.c>", Domain),
        ("a@[127.0.0.1]", Domain),
        // No A-label, though it says so; a label that UTS 46 disallows; a full-width slash.
        ("a@xn--a.example", Domain),
        ("a@\u{2488}com.example", Domain),
        ("a@b\u{ff0f}c.example", Domain),
    ] {
        assert_eq!(EmailAddress::parse(text).map(|_| ()), Err(error), "{text:?}");
    }
}

#[test]
fn the_limits_are_octets_and_inclusive() {
    let parse = |text: &str| EmailAddress::parse(text).map(|_| ());
    let local = |n| format!("{}@a.b", "x".repeat(n));
    assert!(parse(&local(64)).is_ok());
    assert_eq!(parse(&local(65)), Err(AddressError::Local));
    assert!(parse(&format!("{}@a.b", "ü".repeat(32))).is_ok());
    assert_eq!(parse(&format!("{}@a.b", "ü".repeat(33))), Err(AddressError::Local));
    let label = |n| format!("a@{}.b", "x".repeat(n));
    assert!(parse(&label(63)).is_ok());
    assert_eq!(parse(&label(64)), Err(AddressError::Domain));
    let long =
        |n| format!("{}@{}", "x".repeat(n), ["y".repeat(62), "y".repeat(62), "y".repeat(62)].join("."));
    assert!(parse(&long(64)).is_ok(), "64 + 1 + 188 octets");
    let path =
        format!("{}@{}.{}", "x".repeat(64), ["y".repeat(62), "y".repeat(62), "y".repeat(61)].join("."), "z");
    assert_eq!(path.len(), 254);
    assert!(parse(&path).is_ok());
    assert_eq!(parse(&path.replace(".z", ".zz")), Err(AddressError::Domain));
    // 21 letters of three octets are 63; their A-label is 67.
    assert_eq!(parse("a@一凨嗐妸嶠憈数楘浀焨甐磸糠胈蒰袘貀遨鑐頸鰠.b"), Err(AddressError::Domain));
}

#[test]
fn debug_shows_nothing() {
    assert_eq!(format!("{:?}", EmailAddress::parse("ada@example.com").unwrap()), "EmailAddress(..)");
}

proptest::proptest! {
    #[test]
    fn what_is_read_is_read_again(text in "\\PC{0,40}@\\PC{0,40}") {
        if let Ok(address) = EmailAddress::parse(&text) {
            proptest::prop_assert!(!address.as_str().contains(char::is_whitespace));
            let again = EmailAddress::parse(address.as_str()).unwrap();
            proptest::prop_assert_eq!(again.as_str(), address.as_str());
            proptest::prop_assert_eq!(again.comparison(), address.comparison());
            // Lower case may be longer than 64 octets.
            if let Ok(compared) = EmailAddress::parse(address.comparison()) {
                proptest::prop_assert_eq!(compared.comparison(), address.comparison());
            }
            proptest::prop_assert_eq!(EmailAddress::find(&text).unwrap(), address);
        }
    }

    #[test]
    fn case_makes_no_other_person(local in "[a-zA-ZäöüÄÖÜßéÉ.+]{1,20}", domain in "[a-zA-ZäöüÄÖÜ]{1,10}") {
        let text = format!("{local}@{domain}.example");
        if let Ok(address) = EmailAddress::parse(&text) {
            let lower = format!("{}@{}.EXAMPLE", local.to_lowercase(), domain.to_uppercase());
            proptest::prop_assert_eq!(EmailAddress::parse(&lower).unwrap(), address);
        }
    }

    #[test]
    fn any_text_is_looked_through(text in "\\PC{0,60}") {
        let _ = EmailAddress::find(&text);
    }
}
