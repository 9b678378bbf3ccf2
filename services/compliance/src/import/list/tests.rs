//! The splitter against every kind of bad file, every chunking, and another implementation.

use proptest::prelude::*;

use super::*;

type Records = Vec<(u64, Vec<String>, bool)>;

fn read(bytes: &[u8], chunk: usize) -> Result<Records, ListFault> {
    let (mut splitter, mut utf8, mut records) = (Splitter::new(), Utf8::default(), Records::new());
    let mut each = |record: Record<'_>| {
        records.push((
            record.line,
            record.fields.iter().map(ToString::to_string).collect(),
            record.malformed,
        ));
        Ok::<_, ListFault>(())
    };
    for chunk in bytes.chunks(chunk.max(1)) {
        let checked = utf8.push(chunk);
        splitter.push(&chunk[..checked.err().unwrap_or(chunk.len())], &mut each)?;
        if checked.is_err() {
            return Err(ListFault::Utf8(splitter.line()));
        }
    }
    if !utf8.is_whole() {
        return Err(ListFault::Utf8(splitter.line()));
    }
    splitter.finish(&mut each)?;
    Ok(records)
}

fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
    read(text.as_bytes(), 7).unwrap().into_iter().map(|(line, fields, _)| (line, fields)).collect()
}

fn row(line: u64, fields: &[&str]) -> (u64, Vec<String>) {
    (line, fields.iter().map(ToString::to_string).collect())
}

#[test]
fn records_and_their_lines() {
    assert_eq!(rows(""), []);
    assert_eq!(rows("a,b\n"), [row(1, &["a", "b"])]);
    assert_eq!(rows("a,b\r\nc,"), [row(1, &["a", "b"]), row(2, &["c", ""])]);
    assert_eq!(rows("a\r"), [row(1, &["a"])]);
    assert_eq!(rows("\n\r\na\n\n\nb"), [row(3, &["a"]), row(6, &["b"])]);
    assert_eq!(
        rows("\"x\r\ny\",\"say \"\"hi\"\"\"\r\nz"),
        [row(1, &["x\r\ny", "say \"hi\""]), row(3, &["z"])]
    );
    assert_eq!(rows("Jo \"JJ\" Doe,a\rb\n"), [row(1, &["Jo \"JJ\" Doe", "a\rb"])]);
    assert_eq!(rows("\"\",x\n\"\"\n"), [row(1, &["", "x"])]);
    assert_eq!(
        rows(&format!("x{}\nz", ",".repeat(1_000)))[0].1.len(),
        257,
        "extra fields are counted, not kept"
    );
}

#[test]
fn records_without_a_value_are_none() {
    let (wide, long) = (";".repeat(1_000), format!("{};", " ".repeat(60_000)).repeat(20));
    let wanted = [row(2, &["a", "b", "c"]), row(4, &["1", "", ""])];
    for blank in [" ", ";", ";;", " ; \t;\u{a0}", "\"\";\" \" ;;\r", wide.as_str(), long.as_str()] {
        let text = format!("{blank}\na;b;c\n{blank}\n1;;\n{blank}\n{blank}");
        for chunk in [1, 7, usize::MAX] {
            let read = read(text.as_bytes(), chunk).unwrap();
            let read: Vec<_> = read.into_iter().map(|(line, fields, _)| (line, fields)).collect();
            assert_eq!(read, wanted, "in chunks of {chunk}");
        }
    }
    assert_eq!(rows("a;b\n\"\r\n\";\nc;d"), [row(1, &["a", "b"]), row(4, &["c", "d"])]);
    assert_eq!(
        rows("a;b\n,\n"),
        [row(1, &["a", "b"]), row(2, &[","])],
        "what does not separate here is a value"
    );
    for (behind, columns) in [(format!("{wide}x"), 257), (format!("{long}x"), 21)] {
        let read = rows(&format!("a;b\n{behind}\nc;d"));
        assert_eq!((read.len(), read[1].1.len()), (3, columns), "what is not kept may be a value");
    }
}

#[test]
fn the_header_says_what_separates() {
    let both = |text: &str| rows(text).into_iter().map(|(_, fields)| fields).collect::<Vec<_>>();
    assert_eq!(both("a;b;c\n1;\"2;3\";4,5\n"), [["a", "b", "c"], ["1", "2;3", "4,5"]]);
    assert_eq!(both("\n\r\na\tb\n1 \t \"2\"\t\n"), [vec!["a", "b"], vec!["1 ", " \"2\"", ""]]);
    assert_eq!(both("\"a;;;\",b\n1,2"), [["a;;;", "b"], ["1", "2"]], "what is quoted does not count");
    assert_eq!(both("a,b;c\n"), [["a", "b;c"]], "a comma where it is undecided");
}

#[test]
fn a_mark_before_the_header_is_no_part_of_it() {
    let wanted = vec![row(1, &["a", "b"]), row(2, &["c", "d"])];
    for text in ["\u{feff}\"a\",\"b\"\r\nc,d\r\n", "\u{feff}a,b\nc,d", "\u{feff}\u{feff}\"a\",b\nc,d"] {
        for chunk in [1, 2, 3, 4, usize::MAX] {
            let read = read(text.as_bytes(), chunk).unwrap();
            let read: Vec<_> = read.into_iter().map(|(line, fields, _)| (line, fields)).collect();
            assert_eq!(read, wanted, "{text:?} in chunks of {chunk}");
        }
    }
    assert_eq!(rows("\u{feff}"), []);
    assert_eq!(rows("\u{feff}\na"), [row(2, &["a"])]);
    assert_eq!(read(b"\xef\xbb", 1), Err(ListFault::Utf8(1)));
    assert_eq!(rows("a,\u{feff}\"b\"\n"), [row(1, &["a", "\u{feff}\"b\""])], "nowhere else");
}

#[test]
fn no_more_of_a_record_is_kept_than_fits_in_memory() {
    let long = format!("a,b\n{}{}\nx,y\n", format!("{},", "ü".repeat(30_000)).repeat(40), "z");
    let read = read(long.as_bytes(), 4_096).unwrap();
    assert_eq!((read[1].1.len(), read[1].2), (41, true));
    let kept: usize = read[1].1.iter().map(String::len).sum();
    assert!((1_000_000..=1 << 20).contains(&kept), "{kept}");
    assert_eq!((read[2].1.as_slice(), read[2].2), (["x".to_owned(), "y".to_owned()].as_slice(), false));
}

#[test]
fn text_behind_a_closing_quote_is_malformed() {
    for (text, malformed) in [
        ("\"a\"b,c", true),
        ("\"a\" \t,c", false),
        ("\"a\" b,c", true),
        ("\"a\" \"b\"", true),
        ("\"a\" \r\n", false),
        ("\"a\"\rb", true),
        ("\"a\",b", false),
        ("\"a\"\r\n", false),
    ] {
        assert_eq!(read(text.as_bytes(), 3).unwrap()[0].2, malformed, "{text:?}");
    }
}

#[test]
fn faults_of_the_file_name_their_line_however_it_is_cut() {
    let long = |n| format!("a\nb,{}\n", "x".repeat(n));
    for (bytes, fault) in [
        (b"a\n\"b\nc\n".to_vec(), ListFault::Quote(2)),
        (b"a\n\"b\n\",\"c\n\n".to_vec(), ListFault::Quote(3)),
        (b"a\nb\n\xff\n".to_vec(), ListFault::Utf8(3)),
        (b"a\n\"b\n\xc3(\n\"".to_vec(), ListFault::Utf8(3)),
        (b"a\nb\xe2\x82".to_vec(), ListFault::Utf8(2)),
        (b"a\nb\xed\xa0\x80".to_vec(), ListFault::Utf8(2)),
        // A character can't be torn by a comma.
        (b"a\n\xc3,\xa9".to_vec(), ListFault::Utf8(2)),
        (long(MAX_FIELD + 1).into_bytes(), ListFault::Field(2)),
        (format!("a\n{}{}", ",".repeat(50), "x".repeat(MAX_FIELD + 1)).into_bytes(), ListFault::Field(2)),
        (format!("a\n\"{}", "\n".repeat(10 << 20)).into_bytes(), ListFault::Field(2)),
    ] {
        for chunk in [1, 2, 3, 4096, usize::MAX] {
            assert_eq!(read(&bytes, chunk), Err(fault), "in chunks of {chunk}");
        }
    }
    assert!(read(long(MAX_FIELD).as_bytes(), 4096).is_ok());
}

proptest! {
    #[test]
    fn cutting_changes_nothing(bytes in proptest::collection::vec(prop_oneof![
        8 => prop::sample::select(b"ab,,\"\"\r\n\n".to_vec()), 1 => any::<u8>()], 0..60), chunk in 1..9_usize) {
        prop_assert_eq!(read(&bytes, chunk), read(&bytes, usize::MAX));
    }

    #[test]
    fn what_the_csv_crate_writes_is_read(rows in proptest::collection::vec(proptest::collection::vec("[a,\"\r\n ü]{0,6}", 2..11), 0..6)) {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let read = read(&writer.into_inner().unwrap(), 5).unwrap();
        prop_assert!(read.iter().all(|(_, _, malformed)| !malformed));
        let has_value = |row: &Vec<String>| row.iter().any(|field| !field.trim().is_empty());
        let rows: Vec<_> = rows.into_iter().filter(has_value).collect();
        prop_assert_eq!(read.into_iter().map(|(_, fields, _)| fields).collect::<Vec<_>>(), rows);
    }
}
