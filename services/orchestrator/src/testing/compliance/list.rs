//! A subscriber list in memory, read and judged by the law that the service judges by.

use std::collections::{HashMap, HashSet};

use maily_law::{
    COLUMNS, Country, EmailAddress, Exclusion, Fault, FlagPlace, Known, Objection, Outcome, Region, Row,
    When, decide, is_advertisement, objections,
};
use maily_proto::compliance::InvalidRow;
use tonic::Status;

/// Longest field in bytes.
const MAX_FIELD: usize = 64 << 10;

/// What came of a list.
#[derive(Default)]
pub(super) struct List {
    pub(super) rows: u64,
    pub(super) excluded: HashMap<String, u64>,
    pub(super) invalid: Vec<InvalidRow>,
    /// Who may be written to, in the order of the lines.
    pub(super) people: Vec<Person>,
}

pub(super) struct Person {
    pub(super) line: u64,
    pub(super) cohort: String,
    pub(super) region: Region,
    pub(super) address: EmailAddress,
    pub(super) first_name: String,
    pub(super) advertisement: bool,
}

/// A record: the line where it begins, and its fields.
type Record = (u64, Vec<String>);

/// Refuses a list that does not begin as one, however much of it is still to come.
pub(super) fn check_begin(bytes: &[u8]) -> Result<(), Status> {
    let begin = bytes.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(bytes.len());
    match bytes[begin..].iter().position(|byte| *byte == b'\n') {
        Some(end) => header(records(&String::from_utf8_lossy(&bytes[..begin + end]))?.first()),
        None if bytes.len() - begin > MAX_FIELD => Err(fault(1, "a field is longer than 64 KiB")),
        None => Ok(()),
    }
}

/// Reads and judges a whole list.
pub(super) fn read(
    bytes: &[u8],
    when: &When,
    sender: Country,
    opted_out: &mut HashSet<EmailAddress>,
) -> Result<List, Status> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let lines = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        fault(
            lines as u64 + 1,
            "not UTF-8, perhaps Windows-1252 or another encoding of one byte a letter; save the list as UTF-8",
        )
    })?;
    let records = records(text)?;
    header(records.first())?;
    let fields: Vec<Vec<&str>> =
        records[1..].iter().map(|(_, fields)| fields.iter().map(String::as_str).collect()).collect();
    let rows: Vec<_> = fields.iter().map(|fields| Row::parse(fields, when)).collect();
    let objections = objected(&fields, &rows);
    let mut known = known(&rows, &objections, opted_out);
    if !rows.is_empty() && rows.iter().all(Result::is_err) {
        let sentence =
            format!("the list has no valid row: {} can't be read; nobody is written to", rows.len());
        opted_out.extend(carried_over(objections));
        return Err(Status::invalid_argument(sentence));
    }
    let mut list = List { rows: rows.len() as u64, ..List::default() };
    for ((line, _), row) in records[1..].iter().zip(&rows) {
        match row {
            Ok(row) => list.judge(*line, row, &mut known, when, sender),
            Err(fault) => list.invalid(*line, fault),
        }
    }
    opted_out.extend(carried_over(objections));
    Ok(list)
}

impl List {
    fn judge(
        &mut self,
        line: u64,
        row: &Row<'_>,
        known: &mut HashMap<EmailAddress, Known>,
        when: &When,
        sender: Country,
    ) {
        let known = known.entry(row.address.clone()).or_default();
        let decision = decide(row, known, when, sender);
        known.seen_above = true;
        if let Outcome::Excluded(exclusion) = decision.outcome {
            return self.exclude(exclusion);
        }
        let (region, basis) = (decision.region, decision.outcome.code());
        self.people.push(Person {
            line,
            cohort: format!("{}/{}", row.locale, row.segment),
            region,
            address: row.address.clone(),
            first_name: row.first_name.to_owned(),
            advertisement: is_advertisement(region, known.countries, Some(sender), basis),
        });
    }

    fn invalid(&mut self, line: u64, fault: &Fault) {
        self.exclude(Exclusion::Invalid);
        self.invalid.push(InvalidRow { line, field: fault.field.into(), reason: fault.reason.into() });
    }

    fn exclude(&mut self, exclusion: Exclusion) {
        *self.excluded.entry(exclusion.code().to_owned()).or_default() += 1;
    }
}

/// Who objects, in whichever row.
fn objected(fields: &[Vec<&str>], rows: &[Result<Row<'_>, Fault>]) -> Vec<(EmailAddress, Objection)> {
    let mut all = Vec::new();
    for (fields, row) in fields.iter().zip(rows) {
        match row {
            Ok(row) => all.extend(row.objection().map(|objection| (row.address.clone(), objection))),
            Err(_) => {
                let whole = (fields.len() == COLUMNS.len()).then_some(fields.as_slice());
                all.extend(objections(whole, fields, FlagPlace::LAST));
            }
        }
    }
    all
}

fn carried_over(objections: Vec<(EmailAddress, Objection)>) -> impl Iterator<Item = EmailAddress> {
    let carried = objections.into_iter().filter(|(_, objection)| objection.carries_over());
    carried.map(|(address, _)| address)
}

/// What all rows say of each person, and those who opted out.
fn known(
    rows: &[Result<Row<'_>, Fault>],
    objections: &[(EmailAddress, Objection)],
    opted_out: &HashSet<EmailAddress>,
) -> HashMap<EmailAddress, Known> {
    let mut all: HashMap<EmailAddress, Known> = HashMap::new();
    for row in rows.iter().flatten() {
        let known = all.entry(row.address.clone()).or_default();
        known.suppressed |= opted_out.contains(&row.address);
        known.born = known.born.max(row.birth_year);
        known.countries.insert(row.country.jurisdiction());
    }
    for (address, objection) in objections {
        let known = all.entry(address.clone()).or_default();
        known.suppressed |= *objection != Objection::Withdrawn;
        known.withdrawn |= *objection == Objection::Withdrawn;
    }
    all
}

fn header(first: Option<&Record>) -> Result<(), Status> {
    let columns = COLUMNS.join(",");
    let Some((line, fields)) = first else {
        let empty = format!("the list is empty: its first line must be {columns}");
        return Err(Status::invalid_argument(empty));
    };
    match COLUMNS.iter().find(|column| !fields.iter().any(|field| field == *column)) {
        None => Ok(()),
        Some(column) => {
            Err(fault(*line, &format!("the header has no column {column}; it has to have {columns}")))
        }
    }
}

/// Splits a list as the service does, but for a quote within quotes and text behind a closed one, which no test needs.
fn records(text: &str) -> Result<Vec<Record>, Status> {
    let (mut records, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begin, mut quote) = (1, 1, None);
    // The last line needs no end.
    for c in text.chars().chain((!text.ends_with('\n')).then_some('\n')) {
        match c {
            '"' if quote.is_some() => quote = None,
            '"' if field.is_empty() => quote = Some(line),
            ',' if quote.is_none() => fields.push(std::mem::take(&mut field)),
            '\n' if quote.is_none() => {
                fields.push(field.strip_suffix('\r').unwrap_or(&field).to_owned());
                field.clear();
                let record = std::mem::take(&mut fields);
                if record != [""] {
                    records.push((begin, record));
                }
                begin = line + 1;
            }
            c => field.push(c),
        }
        line += u64::from(c == '\n');
        if field.len() > MAX_FIELD {
            return Err(fault(begin, "a field is longer than 64 KiB"));
        }
    }
    match quote {
        Some(line) => Err(fault(line, "a quote is opened and never closed")),
        None => Ok(records),
    }
}

fn fault(line: u64, problem: &str) -> Status {
    Status::invalid_argument(format!("line {line}: {problem}"))
}
