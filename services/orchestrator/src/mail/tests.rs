//! Messages as another parser reads them.

use mail_parser::{MessageParser, MimeHeaders as _};

use super::{origin::Origin, *};
use crate::campaign::Settings;

fn settings() -> Settings {
    let mut settings = Settings::parse(crate::campaign::EXAMPLE).unwrap();
    settings.sender.name = "Fern & \"Söhne\"".into();
    settings
}

fn draft() -> Draft {
    Draft {
        subject: "Frühling für alle: the beds are ready and the seedlings are waiting for you".into(),
        preheader: "Soon <here>".into(),
        body: "Hi {{first_name}},\n\nFrom the first warm day on, our beds are ready.\n\n.See you, {{first_name}}!\n\nFern & \"Söhne\"".into(),
    }
}

fn template() -> Template {
    template_of(Origins::MODEL)
}

fn template_of(origins: Origins) -> Template {
    template_in("en-GB", &draft(), origins)
}

fn template_in(locale: &str, draft: &Draft, origins: Origins) -> Template {
    let date = Timestamp::from_second(1_777_626_000).unwrap();
    let language = Language::of(locale).unwrap();
    Template::new(&CampaignId::of_digest(&[7; 32]), &settings(), language, draft, origins, date)
}

fn merge(email: &str, first_name: &str) -> Result<Vec<u8>, MergeError> {
    let mut out = Vec::new();
    template().merge(&recipient(email, first_name), &mut out).map(|()| out)
}

fn recipient<'a>(email: &'a str, first_name: &'a str) -> Recipient<'a> {
    Recipient { line: 2, email, first_name, token: "t0k-en_", advertisement: false }
}

#[test]
fn what_nobody_asked_for_says_that_it_is_an_advertisement() {
    for advertisement in [false, true] {
        let mut bytes = Vec::new();
        let to = Recipient { advertisement, ..recipient("a@b.example", "Anna") };
        template().merge(&to, &mut bytes).unwrap();
        let message = MessageParser::default().parse(&bytes).unwrap();
        let says = |text: &str| text.contains("This email is an advertisement.");
        assert_eq!(says(&message.body_text(0).unwrap()), advertisement);
        assert_eq!(says(&message.body_html(0).unwrap()), advertisement);
        let text = message.body_text(0).unwrap();
        let place = text.find("advertisement").unwrap_or_default();
        assert!(place < text.find("-- \r\n").unwrap(), "it stands before the small print");
    }
}

/// Whoever can read the copy can read what the law wants said.
#[test]
fn what_the_platform_says_is_in_the_language_of_the_mail() {
    let written = |greeting: &str| Draft {
        subject: "x".into(),
        preheader: "y".into(),
        body: format!("{greeting}\n\nXyz {{{{first_name}}}}."),
    };
    for (locale, greeting, without, advertisement, unsubscribe, generated) in [
        (
            "es-US",
            "Hola, Käthe:",
            "Hola:",
            "Este correo electrónico es publicidad.",
            "Darse de baja",
            "con ayuda de la inteligencia artificial.",
        ),
        (
            "it-IT",
            "Buongiorno Käthe,",
            "Buongiorno,",
            "Questa e-mail è una comunicazione pubblicitaria.",
            "Annulla l'iscrizione",
            "con l'aiuto dell'intelligenza artificiale.",
        ),
        (
            "ja-JP",
            "Käthe 様",
            "お客様へ",
            "このメールは広告です。",
            "配信停止",
            "人工知能（AI）を利用して作成されました。",
        ),
    ] {
        let language = Language::of(locale).unwrap();
        let template = template_in(locale, &language.greet(written("Hi {{first_name}},")), Origins::MODEL);
        for (name, greeted) in [("Käthe", greeting), ("", without)] {
            let mut bytes = Vec::new();
            let to = Recipient { advertisement: true, ..recipient("a@b.example", name) };
            template.merge(&to, &mut bytes).unwrap();
            let message = MessageParser::default().parse(&bytes).unwrap();
            let html = message.body_html(0).unwrap().replace("&#39;", "'");
            let text = message.body_text(0).unwrap();
            assert!(text.starts_with(&format!("{greeted}\r\n\r\nXyz")), "{text}");
            assert!(html.contains(&format!("<p>{greeted}</p>")), "{html}");
            assert!(html.contains(&format!("<html lang=\"{locale}\">")), "{html}");
            assert!(text.contains(&format!("{unsubscribe}: https://")), "{text}");
            assert!(html.contains(&format!(">{unsubscribe}</a>")), "{html}");
            for part in [&*text, &*html] {
                assert!(part.contains(advertisement) && part.contains(generated), "{part}");
                for english in ["Hi", "Unsubscribe", "This email", "artificial intelligence"] {
                    assert!(!part.contains(english), "{english} in {part}");
                }
            }
        }
        // Copy that has no greeting gets one.
        let bare = Draft { body: "Xyz.".into(), ..written("") };
        let text = template_in(locale, &bare, Origins::MODEL).text_part().to_owned();
        assert!(text.starts_with(&format!("{}\n\nXyz.", greeting.replace("Käthe", FIRST_NAME))), "{text}");
    }
}

/// The header, the head of the HTML part and the sentence of both parts agree, and name no more than was generated.
#[test]
fn a_mail_is_marked_where_a_model_wrote_something_of_it_and_nowhere_else() {
    use Origin::{Human, Model};
    for (origins, term, what) in [
        ([Model, Model, Model], Some("trainedAlgorithmicMedia"), "."),
        ([Model, Human, Human], Some("compositeWithTrainedAlgorithmicMedia"), ": subject"),
        ([Human, Human, Model], Some("compositeWithTrainedAlgorithmicMedia"), ": text"),
        ([Human, Human, Human], None, ""),
    ] {
        let [subject, preheader, body] = origins;
        let mut bytes = Vec::new();
        let template = template_of(Origins { subject, preheader, body });
        template.merge(&recipient("a@b.example", "Anna"), &mut bytes).unwrap();
        let message = MessageParser::default().parse(&bytes).unwrap();
        let raw = |name: &str| message.header_raw(name).map(|value| value.trim().to_owned());
        let uri = term.map(|term| format!("https://cv.iptc.org/newscodes/digitalsourcetype/{term}"));
        assert_eq!(raw("AI-Disclosure"), term.map(|_| "mode=ai-originated".to_owned()), "{origins:?}");
        assert_eq!(raw("Digital-Source-Type"), uri.as_ref().map(|uri| format!("<{uri}>")));
        let (text, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
        assert_eq!(html.contains("ai-disclosure"), term.is_some());
        assert_eq!(html.contains("digital-source-type"), term.is_some());
        assert!(uri.is_none_or(|uri| html.contains(&format!("content=\"{uri}\""))));
        let sentence = format!("ritten with the help of artificial intelligence{what}");
        for part in [&text, &html] {
            assert_eq!(part.contains("artificial intelligence"), term.is_some(), "{part}");
            assert!(term.is_none() || part.contains(&sentence), "{part}");
            assert!(part.contains("1 Fern Lane") && part.contains("https://127.0.0.1:9443/u/t0k-en_"));
        }
    }
}

#[test]
fn another_parser_reads_what_was_meant() {
    let bytes = merge("anna@example.org", "Anna").unwrap();
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(message.subject(), Some(draft().subject.as_str()));
    let from = message.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Fern & \"Söhne\""), Some("hello@fernwood.example")));
    assert_eq!(message.to().unwrap().first().unwrap().address(), Some("anna@example.org"));
    assert_eq!(message.date().unwrap().to_timestamp(), 1_777_626_000);
    let raw = |name: &str| message.header_raw(name).unwrap_or_default().trim().to_owned();
    assert_eq!(raw("List-Unsubscribe"), "<https://127.0.0.1:9443/u/t0k-en_>");
    assert_eq!(raw("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(raw("AI-Disclosure"), "mode=ai-originated");
    assert_eq!(raw("Content-Language"), "en-GB");
    assert_eq!(message.parts.len(), 3);
    let text = message.body_text(0).unwrap();
    assert!(text.starts_with("Hi Anna,\r\n\r\nFrom the first"), "{text}");
    assert!(text.contains("\r\n.See you, Anna!") && text.contains("SPRING20"), "{text}");
    assert!(text.contains("1 Fern Lane\r\nDublin") && text.contains("https://127.0.0.1:9443/u/t0k-en_"));
    assert_eq!(text.matches("Söhne").count(), 1);
    let html = message.body_html(0).unwrap();
    assert!(html.contains("Soon &lt;here&gt;") && html.contains("<p>Hi Anna,</p>"), "{html}");
    assert_eq!(message.part(1).unwrap().content_type().unwrap().subtype(), Some("plain"));
}

#[test]
fn every_line_is_ascii_short_and_ends_in_crlf() {
    let bytes = merge("anna@example.org", &"é".repeat(64)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.is_ascii() && text.ends_with("\r\n"));
    assert!(text.split("\r\n").all(|line| line.len() <= 80 && !line.contains(['\r', '\n'])));
}

#[test]
fn a_message_is_the_same_each_time_and_ids_differ() {
    assert_eq!(merge("a@b.example", "Zoë"), merge("a@b.example", "Zoë"));
    assert_ne!(template().message_id(2), template().message_id(3));
}

#[test]
fn hostile_names_change_nothing_but_the_name() {
    let headers = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.split("\r\n\r\n").next().unwrap().to_owned()
    };
    let harmless = headers(&merge("a@b.example", "Anna").unwrap());
    for name in [
        "Eve\r\nBcc: all@evil.example\r\n\r\nboo",
        "Eve\r\nBcc: all\r\n\r\nboo",
        "<script>alert(1)</script>",
        "{{unsubscribe_url}}{{first_name}}",
        "\u{202e}gnp.exe",
        "\u{202e}avE",
        "\" onmouseover=\"x",
        "\0\u{7f}",
    ] {
        let bytes = merge("a@b.example", name).unwrap();
        assert_eq!(headers(&bytes), harmless);
        let message = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(message.parts.len(), 3);
        let (text, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
        assert!(!html.contains("<script") && !html.contains("\" on"), "{html}");
        assert!(!text.contains('\u{202e}') && !text.contains("\nBcc"), "{text}");
        // A placeholder in a name stays what it is: it is not merged again.
        assert_eq!(name.contains("{{"), text.contains("{{unsubscribe_url}}{{first_name}}"));
    }
}

#[test]
fn copy_that_is_not_shown_as_it_is_written_has_a_flaw() {
    assert_eq!(flaws(&draft()), [""; 0]);
    let turned = |text: String| format!("{text} \u{202e}%05 evas");
    let drafts = [
        Draft { subject: turned(draft().subject), ..draft() },
        Draft { preheader: turned(draft().preheader), ..draft() },
        Draft { body: turned(draft().body), ..draft() },
        Draft { body: draft().body + "\u{e0061}", ..draft() },
    ];
    for draft in drafts {
        let found = flaws(&draft);
        assert!(matches!(&found[..], [flaw] if flaw.contains(" holds ")), "{found:?}");
    }
}

#[test]
fn without_a_name_nothing_is_left_of_it() {
    for name in ["", " \u{200b}\r\n", "www.win.example - get rich", "eve@evil.example", "Call 0800 1234"] {
        let bytes = merge("a@b.example", name).unwrap();
        let message = MessageParser::default().parse(&bytes).unwrap();
        let (text, html) = (message.body_text(0).unwrap(), message.body_html(0).unwrap());
        assert!(text.starts_with("Hi,\r\n"), "{text}");
        assert!(text.contains(".See you!") && html.contains("<p>Hi,</p>") && !html.contains("{{"));
    }
}

#[test]
fn internationalised_addresses_stay_and_others_are_refused() {
    let bytes = merge("用户@例え.example", "X").unwrap();
    assert!(String::from_utf8(bytes).unwrap().contains("\r\nTo: 用户@例え.example\r\n"));
    for email in
        ["a@b.example\r\nBcc: c@d.example", "a b@c.example", "a@b@c.example", "<a@b.example>", "a,b@c.d", "x"]
    {
        assert_eq!(merge(email, "X"), Err(MergeError::Address(2)));
    }
    let token = Recipient { token: "a/b", ..recipient("a@b.example", "") };
    assert_eq!(template().merge(&token, &mut Vec::new()), Err(MergeError::Token(2)));
}

proptest::proptest! {
    /// One row must never end a campaign: what compliance takes for an address, a message takes.
    #[test]
    fn every_address_that_is_read_can_be_merged(text in "(\\PC|[\u{80}-\u{2100}]){1,30}@(\\PC|[a-z]){1,20}\\.[a-zü]{1,9}") {
        if let Ok(address) = maily_law::EmailAddress::parse(&text) {
            proptest::prop_assert!(merge(address.as_str(), "X").is_ok(), "{text:?}");
        }
    }
}

#[test]
fn no_message_is_longer_than_the_longest() {
    let longest = template().longest();
    assert!(longest < 64 << 10);
    let names = ["\u{1d4d0}", "&", "\"", "<", "=", "x", "\u{ffff}", ""].map(|c| c.repeat(70_000));
    for name in names {
        let email = format!("{}@{}.example", "x".repeat(64), "y.".repeat(90));
        assert!(merge(&email, &name).unwrap().len() <= longest);
    }
}

#[test]
fn the_rails_see_what_will_be_sent() {
    let template = template();
    for part in [template.text_part(), template.html_part()] {
        assert!(part.contains(FIRST_NAME) && part.contains(UNSUBSCRIBE_URL) && part.contains("1 Fern Lane"));
    }
}
