//! What a reader sees of an HTML part: its text and its links. No browser: whatever is hidden by an
//! attribute, a comment or an inline style is not seen. Whom a style sheet hides is not found out, only whether it hides.

/// Tags whose content is never shown.
const UNSEEN: &[&str] = &[
    "head", "style", "script", "title", "template", "noscript", "svg", "object", "iframe", "textarea",
    "select",
];
/// Tags without an end.
const VOID: &[&str] =
    &["br", "img", "hr", "meta", "link", "input", "area", "base", "col", "embed", "source", "track", "wbr"];
/// Tags that stand in a line of text.
const INLINE: &[&str] = &[
    "a", "b", "i", "em", "strong", "span", "u", "s", "small", "font", "sup", "sub", "abbr", "code", "mark",
    "wbr", "img",
];

/// A link that can be seen and its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
}

/// What is seen of a document.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) links: Vec<Link>,
    /// A style sheet has a rule that hides what it matches.
    pub(crate) sheet_hides: bool,
}

struct Open {
    name: String,
    hidden: bool,
    /// The index of the link that the tag opened.
    link: Option<usize>,
}

/// Reads what is seen of `html`.
pub(crate) fn seen(html: &str) -> Seen {
    let mut seen = Seen::default();
    let mut open: Vec<Open> = Vec::new();
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('<') {
        show(&mut seen, &open, before);
        if let Some(comment) = behind.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((inner, after)) = tag_end(behind) else { return seen };
        tag(&mut seen, &mut open, inner);
        rest = after;
        if open.last().is_some_and(|tag| tag.name == "style") {
            // Not markup: a comment in it does not keep browsers from reading it.
            let end = rest.as_bytes().windows(7).position(|at| at.eq_ignore_ascii_case(b"</style"));
            let (sheet, after) = rest.split_at(end.unwrap_or(rest.len()));
            let rules = without_comments(sheet);
            seen.sheet_hides |= rules.contains("@import") || rules.split(['{', '}']).any(hides);
            rest = after;
        }
    }
    show(&mut seen, &open, rest);
    seen
}

/// What stands before and behind the `>` that ends a tag; quoted attributes may hold one.
fn tag_end(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let ends = |c: char| match (quote, c) {
        (None, '>') => true,
        (None, '"' | '\'') => {
            quote = Some(c);
            false
        }
        (Some(q), c) if c == q => {
            quote = None;
            false
        }
        _ => false,
    };
    text.split_once(ends)
}

fn show(seen: &mut Seen, open: &[Open], text: &str) {
    if open.iter().any(|tag| tag.hidden) {
        return;
    }
    let text = entities(text);
    seen.text.push_str(&text);
    let link = open.iter().rev().find_map(|tag| tag.link);
    if let Some(link) = link.and_then(|link| seen.links.get_mut(link)) {
        link.text.push_str(&text);
    }
}

fn tag(seen: &mut Seen, open: &mut Vec<Open>, inner: &str) {
    let closes = inner.starts_with('/');
    let inner = inner.trim_start_matches('/').trim_end_matches('/');
    let name = inner.split(|c: char| c.is_whitespace()).next().unwrap_or_default().to_ascii_lowercase();
    if !INLINE.contains(&name.as_str()) {
        seen.text.push('\n');
    }
    if closes {
        if let Some(at) = open.iter().rposition(|tag| tag.name == name) {
            open.truncate(at);
        }
        return;
    }
    let attributes = attributes(inner.get(name.len()..).unwrap_or_default());
    let get = |key: &str| attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let hidden =
        UNSEEN.contains(&name.as_str()) || get("hidden").is_some() || get("style").is_some_and(hides);
    let shown = !hidden && !open.iter().any(|tag| tag.hidden);
    let link = (name == "a" && shown).then(|| get("href")).flatten().map(|href| {
        seen.links.push(Link { href: entities(href.trim()), text: String::new() });
        seen.links.len() - 1
    });
    if !VOID.contains(&name.as_str()) {
        open.push(Open { name, hidden, link });
    }
}

/// Whether the declarations of a style make their element unreadable.
fn hides(style: &str) -> bool {
    let style = without_comments(style);
    // An escape may stand for any character.
    if style.contains('\\') {
        return true;
    }
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    let hiding = [
        "display:none",
        "visibility:hidden",
        "visibility:collapse",
        "mso-hide:all",
        "color:transparent",
        "clip:",
        "text-indent:-",
    ];
    let zero = |key: &str| {
        style.split(';').filter_map(|rule| rule.strip_prefix(key)).any(|value| {
            let number: String = value.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            number
                .parse::<f64>()
                .is_ok_and(|n| n < 0.1 || (key.starts_with("font-size") && value.contains("px") && n < 6.0))
        })
    };
    hiding.iter().any(|rule| style.contains(rule))
        || ["font-size:", "opacity:", "max-height:", "height:", "max-width:", "width:", "line-height:"]
            .iter()
            .any(|key| zero(key))
}

/// A style without its comments, which may stand between any two words.
fn without_comments(style: &str) -> String {
    let code = |(at, text): (usize, &'_ str)| match at {
        0 => text.to_owned(),
        _ => text.split_once("*/").map_or("", |(_, after)| after).to_owned(),
    };
    style.split("/*").enumerate().map(code).collect()
}

/// The attributes of a tag: name in lower case, and value without quotes.
fn attributes(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let name = name.to_ascii_lowercase();
        rest = behind.trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let body = quote.and_then(|quote| after.strip_prefix(quote)).unwrap_or(after);
            let end = body.find(|c: char| quote.map_or(c.is_whitespace(), |q| c == q)).unwrap_or(body.len());
            let (given, behind) = body.split_at(end);
            value = given.to_owned();
            rest = behind.trim_start_matches(['"', '\'']).trim_start();
        } else if name.is_empty() {
            break;
        }
        out.push((name, value));
    }
    out
}

/// Decodes the character references that mail uses; an unknown one stays as it is.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        // The longest that mail uses has ten characters.
        let ends = behind.bytes().take(11).any(|byte| byte == b';');
        let named = if ends { behind.split_once(';') } else { None };
        match named.and_then(|(name, after)| Some((reference(name)?, after))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out + rest
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "middot" => '·',
        "bull" => '•',
        "ndash" => '–',
        "mdash" => '—',
        "rsquo" => '’',
        "lsquo" => '‘',
        "copy" => '©',
        "euro" => '€',
        "pound" => '£',
        "uuml" => 'ü',
        "ouml" => 'ö',
        "auml" => 'ä',
        "Uuml" => 'Ü',
        "Ouml" => 'Ö',
        "Auml" => 'Ä',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "ccedil" => 'ç',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_links_are_seen() {
        let seen = seen(
            "<head><title>x</title></head><p>Tea &amp; <b>cake</b></p><a title='a>b' href=\"{{unsubscribe_url}}\">Leave</a>",
        );
        assert_eq!(seen.text.split_whitespace().collect::<Vec<_>>().join(" "), "Tea & cake Leave");
        assert_eq!(seen.links, [Link { href: "{{unsubscribe_url}}".into(), text: "Leave".into() }]);
    }

    #[test]
    fn what_is_hidden_is_not_seen() {
        for html in [
            "<!-- <a href=x>Leave</a> -->",
            "<div style='display: none'><a href=x>Leave</a></div>",
            "<a href=x style=\"font-size:0px\">Leave</a>",
            "<a href=x style=\"font-size:1px\">Leave</a>",
            "<span style='OPACITY : 0'><a href=x>Leave</a></span>",
            "<div hidden><a href=x>Leave</a></div>",
            "<script><a href=x>Leave</a></script>",
            "<a href=x style='display/* */:none'>Leave</a>",
            "<a href=x style='d\\69splay:none'>Leave</a>",
            "<a href=x",
        ] {
            assert!(seen(html).links.is_empty(), "{html}");
        }
    }

    #[test]
    fn a_style_sheet_that_hides_is_noticed() {
        for sheet in [
            "a { display: none }",
            "@media screen { p, a { color: red; DISPLAY : none } }",
            "<!-- a { visibility: hidden } -->",
            "a { font-size: 0 }",
            "a { display/**/: none }",
            "a { d\\69splay: none }",
            "@import url(x.css);",
        ] {
            assert!(
                seen(&format!("<style type='text/css'>{sheet}</STYLE><a href=x>Leave</a>")).sheet_hides,
                "{sheet}"
            );
        }
        let plain = seen(
            "<style>/* a { display: none } */ p { color: black; line-height: 1.5; max-width: 600px }</style><a href=x>Leave</a>",
        );
        assert!(!plain.sheet_hides && plain.links.len() == 1);
    }
}
