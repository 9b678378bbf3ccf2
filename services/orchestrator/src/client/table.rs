//! The report as a person reads it.

use std::path::Path;

use mail_parser::{Message, MessageParser};
use maily_client::printable;

use super::summary::Summary;

/// Prints the report and one finished mail.
pub(crate) fn print(name: &str, summary: &Summary, out: &Path) {
    println!("{}", text(name, summary));
    if let Some(mail) = mail(&summary.message) {
        println!("{}", lines(mail.lines()));
    }
    println!("report and mail (plain text, mode 0600): {}", out.display());
}

fn text(name: &str, summary: &Summary) -> String {
    let report = &summary.report;
    let mut lines =
        vec![String::new(), name.to_owned(), row("rows", report.rows), row("written", report.written)];
    lines.extend(report.by_region.iter().map(|(region, count)| row(&format!("  {region}"), *count)));
    lines.push(row("excluded", report.excluded.values().sum()));
    lines.extend(report.excluded.iter().map(|(code, count)| row(&format!("  {code}"), *count)));
    // With these the rows add up.
    if report.blocked() > 0 {
        lines.push(row("blocked", report.blocked()));
    }
    let notes = [
        ("objection assumed", report.objection_assumed),
        ("objection by unknown word", report.objection_unknown_word),
        ("claim of newer consent", report.claims_newer_consent),
        ("recipients who need SMTPUTF8", report.needs_smtputf8),
        ("left out after the hand-off", report.left_out_after_hand_off),
    ];
    let notes: Vec<_> = notes.into_iter().filter(|(_, count)| *count > 0).collect();
    if !notes.is_empty() {
        lines.push("of these rows".to_owned());
    }
    lines.extend(notes.into_iter().map(|(what, count)| row(&format!("  {what}"), count)));
    if !report.ignored_columns.is_empty() {
        lines.push(format!("columns ignored: {}", report.ignored_columns.join(", ")));
    }
    lines.push("cohorts".to_owned());
    for cohort in &report.cohorts {
        let said = match (&cohort.blocked, &cohort.subject) {
            (Some(reason), _) => format!("blocked: {reason}"),
            (None, subject) => subject.clone().unwrap_or_default(),
        };
        lines.push(format!("  {:<28}{:>8}  {said}", printable(&cohort.name), cohort.recipients));
    }
    if summary.invalid.count > 0 {
        lines.push("invalid lines".to_owned());
    }
    let invalid = summary.invalid.first.iter();
    lines.extend(invalid.map(|row| format!("  line {}: {}: {}", row.line, row.field, row.reason)));
    if summary.invalid.count > summary.invalid.first.len() {
        lines.push(format!(
            "  and {} more in report.json",
            summary.invalid.count - summary.invalid.first.len()
        ));
    }
    let timings = report.timings;
    lines.push(format!(
        "{:.1} s, of which copy {:.1} s by {} and mail {:.1} s",
        timings.total_seconds, timings.copy_seconds, report.model, timings.mail_seconds
    ));
    self::lines(lines.iter().map(String::as_str)) + "\n"
}

/// Lines that stay lines, whatever a cohort's name or a mail holds.
fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(printable).collect::<Vec<_>>().join("\n")
}

fn row(name: &str, count: u64) -> String {
    format!("{name:<30}{count:>8}")
}

/// One message, decoded: the headers that matter and the text.
fn mail(message: &[u8]) -> Option<String> {
    let message = MessageParser::default().parse(message)?;
    let from = message.from()?.first()?;
    let to = message.to()?.first()?.address()?;
    let rule = "─".repeat(72);
    Some(format!(
        "{rule}\nFrom: {} <{}>\nTo: {to}\nSubject: {}\n{}\n{}\n{rule}",
        from.name().unwrap_or_default(),
        from.address()?,
        message.subject()?,
        shown(&message),
        message.body_text(0)?.trim_end().replace("\r\n", "\n"),
    ))
}

/// The headers that a mail program acts on and does not show.
fn shown(message: &Message<'_>) -> String {
    let line = |name| message.header_raw(name).map(|value| format!("{name}: {}\n", value.trim()));
    ["List-Unsubscribe", "List-Unsubscribe-Post", "AI-Disclosure"].into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{
        super::summary::{Invalid, InvalidRow},
        *,
    };
    use crate::report::{CohortReport, Report, Timings};

    #[test]
    fn every_number_of_the_report_is_shown() {
        let cohort = |name: &str, blocked: Option<&str>| CohortReport {
            name: name.into(),
            recipients: 3,
            subject: blocked.is_none().then(|| "Spring is here".into()),
            preheader: None,
            body: None,
            rewrites: 0,
            blocked: blocked.map(Into::into),
        };
        let report = Report {
            rows: 9,
            written: 3,
            excluded: [("invalid".to_owned(), 2), ("minor".to_owned(), 1)].into(),
            by_region: [("eu".to_owned(), 3)].into(),
            cohorts: vec![
                cohort("en-GB/new", None),
                cohort("en-IE/\u{1b}[2J\n\u{202e}vip", Some("facts (body): 70%")),
            ],
            timings: Timings { copy_seconds: 1.0, mail_seconds: 0.5, total_seconds: 2.0 },
            model: "small".into(),
            objection_assumed: 1,
            objection_unknown_word: 3,
            claims_newer_consent: 0,
            needs_smtputf8: 2,
            ignored_columns: vec!["Phone".into(), "\u{1b}[2J".into()],
            left_out_after_hand_off: 1,
        };
        let first = vec![InvalidRow { line: 7, field: "email".into(), reason: "is not an address".into() }];
        let summary = Summary { report, invalid: Invalid { first, count: 2 }, message: Vec::new() };
        expect![[r#"

            Spring sale
            rows                                 9
            written                              3
              eu                                 3
            excluded                             3
              invalid                            2
              minor                              1
            blocked                              3
            of these rows
              objection assumed                  1
              objection by unknown word          3
              recipients who need SMTPUTF8       2
              left out after the hand-off        1
            columns ignored: Phone, \u{1b}[2J
            cohorts
              en-GB/new                          3  Spring is here
              en-IE/\u{1b}[2J\u{a}\u{202e}vip       3  blocked: facts (body): 70%
            invalid lines
              line 7: email: is not an address
              and 1 more in report.json
            2.0 s, of which copy 1.0 s by small and mail 0.5 s
        "#]]
        .assert_eq(&text("Spring sale", &summary));
    }
}
