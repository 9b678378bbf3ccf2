//! The service's answers as a person reads them.

use maily_client::printable;

use crate::officer_types::{
    EraseReply, Import, ImportsReply, MessageState, ObjectionChannel, Subject, SubjectAct, SubjectLift,
    SubjectMessage, SubjectObjection, SubjectRow, TurnReply, VerifyReply,
};

/// Everything that is kept about a person.
pub(crate) fn text(subject: &Subject) -> String {
    let mut lines = vec![subject.address.clone()];
    let suppressed = match (subject.suppressed, subject.lifts.is_empty()) {
        (false, _) => "no",
        (true, true) => "yes",
        (true, false) => "yes, but not for whom it was lifted since the last objection",
    };
    lines.push(row("suppressed", suppressed));
    lines.push(row("objections", subject.objections.len()));
    lines.extend(subject.objections.iter().map(objection));
    lines.push(row("lifted", subject.lifts.len()));
    lines.extend(subject.lifts.iter().map(lift));
    lines.push(row("rows of lists", subject.rows.len()));
    lines.extend(subject.rows.iter().flat_map(list_row));
    lines.push(row("acts of officers", subject.acts.len()));
    lines.extend(subject.acts.iter().map(act));
    self::lines(&lines)
}

/// What an erasure reached, and when it reaches the rest.
pub(crate) fn erased(reply: &EraseReply) -> String {
    let kept = match reply.erased.is_empty() {
        // The objection that every erasure puts on record is one of them.
        true => "nothing more to erase; pseudonymous records remain".to_owned(),
        false => format!("erased: {} rows in {}", reply.rows, reply.erased.join(", ")),
    };
    let copies = format!("no copy or backup opens after {}", reply.unreadable_by);
    let suppressed = match reply.suppressed {
        true => "is on the suppression list, by a keyed hash of the address",
        false => "is not on the suppression list: a list to come may bring the address back",
    };
    lines([kept.as_str(), &copies, suppressed])
}

/// How many links each ledger has.
pub(crate) fn verified(reply: &VerifyReply) -> String {
    let head =
        |region: &str| reply.heads.get(region).map(|head| format!("  head {head}")).unwrap_or_default();
    let links = reply.links.iter().map(|(region, links)| row(region, links) + &head(region));
    let mut all: Vec<_> = links.collect();
    all.push("every link of every ledger is as it was written".to_owned());
    lines(&all)
}

/// Every list that was imported.
pub(crate) fn imports(reply: &ImportsReply) -> String {
    let import = |import: &Import| {
        let Import { campaign, imported_at, sender_country, planned, rows, excluded, .. } = import;
        let part = |before: &str, part: &Option<String>| {
            part.as_ref().map(|part| format!("{before}{part}")).unwrap_or_default()
        };
        let sent = part(", sender in ", sender_country) + &part(", send planned for ", planned);
        let refused = part(", refused for campaign ", &import.refused);
        let undone = part(", taken back ", &import.undone_at)
            + &part(", key ", &import.undone_by)
            + &part(": ", &import.undone_for);
        format!("{campaign}  {imported_at}  {rows} rows, {excluded} excluded{sent}{refused}{undone}")
    };
    let mut all = vec![row("lists imported", reply.imports.len())];
    all.extend(reply.imports.iter().map(import));
    lines(&all)
}

/// How many people's keys are under a new epoch.
pub(crate) fn turned(reply: &TurnReply) -> String {
    let regions = reply.turned.iter().map(|(region, keys)| row(region, keys));
    let mut all: Vec<_> = regions.collect();
    all.push(
        "what was erased before opens nowhere any more, and no copy or backup of before opens".to_owned(),
    );
    lines(&all)
}

/// Lines that stay lines, whatever is in them.
pub(crate) fn lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    lines.into_iter().map(|line| printable(line.as_ref()) + "\n").collect()
}

fn row(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name:<24}{value:>6}")
}

fn objection(objection: &SubjectObjection) -> String {
    let SubjectObjection { at, channel, region, link, .. } = objection;
    let how = match channel {
        ObjectionChannel::Link => "by an unsubscribe link",
        ObjectionChannel::List => "in a list",
        ObjectionChannel::Hint => "by an unsubscribe link, as another process told",
        ObjectionChannel::Officer => "by a privacy officer",
        ObjectionChannel::Erasure => "with an erasure",
    };
    let mut line = format!("  {at}  {how}");
    let mut add = |before: &str, part: Option<String>| {
        line.extend(part.map(|part| format!("{before}{part}")));
    };
    add(", campaign ", objection.campaign.clone());
    add(", line ", objection.line.map(|line| line.to_string()));
    add(": ", objection.kind.clone());
    add(", ", objection.article.clone());
    add(", key ", objection.caller.clone());
    add(": ", objection.reason.clone());
    add("; ", objection.undone.then(|| "undone, holds no longer".to_owned()));
    line + &on_record(region, *link)
}

fn lift(lift: &SubjectLift) -> String {
    let SubjectLift { at, sender, region, link, caller, reason, file } = lift;
    let sender = sender.as_deref().unwrap_or("a sender known by hash only");
    let file = file.as_ref().map(|file| format!(" (file {file})")).unwrap_or_default();
    format!("  {at}  for {sender}, key {caller}: {reason}{file}{}", on_record(region, *link))
}

fn list_row(row: &SubjectRow) -> Vec<String> {
    let SubjectRow { region, campaign, imported_at, planned, line, outcome, article, fields, .. } = row;
    let undone = if row.undone { "; the import was taken back" } else { "" };
    let mut lines = vec![
        format!("  campaign {campaign}, line {line}, kept in {region}{undone}"),
        format!("    decided   {outcome}, {article}"),
        format!("    imported  {imported_at}, send planned for {planned}"),
        format!("    message   {}", message(&row.message)),
    ];
    if let (Some(line), Some(kind)) = (row.objected_line, &row.objected_kind) {
        lines.insert(2, format!("    objected  by line {line} of the list: {kind}"));
    }
    match fields {
        Some(fields) => lines.extend(fields.iter().map(|(name, value)| format!("    | {name:<18} {value}"))),
        None if row.not_kept => lines.push("    | not kept, for the person objects".to_owned()),
        None => lines.push("    | erased".to_owned()),
    }
    lines
}

fn message(message: &SubjectMessage) -> String {
    let state = match message.state {
        MessageState::Excluded => "none: the row was excluded",
        MessageState::Waiting => "not handed off (its campaign may be over)",
        MessageState::HandedOff => "handed off",
        MessageState::LeftOut => "left out: the person had objected or was erased, or the consent had ended",
    };
    let part = |before: &str, part: &Option<String>| {
        part.as_ref().map(|part| format!("{before}{part}")).unwrap_or_default()
    };
    format!("{state}{}{}", part(", ", &message.at), part(", in ", &message.segment))
}

fn act(act: &SubjectAct) -> String {
    let SubjectAct { at, region, link, act, caller, reason } = act;
    format!("  {at}  {act}, key {caller}: {reason}{}", on_record(region, *link))
}

/// Where the ledger has it.
fn on_record(region: &str, link: u64) -> String {
    format!("  [{region} {link}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_that_finds_nothing_says_what_remains() {
        let unreadable_by = "2026-11-30T00:00:00Z".to_owned();
        let shown = erased(&EraseReply { erased: Vec::new(), rows: 0, suppressed: true, unreadable_by });
        assert!(shown.starts_with("nothing more to erase; pseudonymous records remain\n"), "{shown}");
    }

    #[test]
    fn a_message_that_may_never_go_is_not_said_to_wait() {
        let shown = message(&SubjectMessage { state: MessageState::Waiting, at: None, segment: None });
        assert_eq!(shown, "not handed off (its campaign may be over)");
    }
}
