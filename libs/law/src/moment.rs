//! Points in time as RFC 3339 writes them, and the calendar arithmetic that the rules need.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

/// A text is no RFC 3339 `date-time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an RFC 3339 date and time with an offset")]
pub struct MomentError;

impl MomentError {
    /// Always: the same text never becomes a moment.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        true
    }
}

/// A point in time with the offset that it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    instant: Timestamp,
    offset: Offset,
}

impl Moment {
    /// Reads an RFC 3339 `date-time` (5.6), no looser: `T` and an offset are mandatory, as are two digits
    /// each; a leap second is read as the second before it and only where one can be.
    ///
    /// # Errors
    /// Where the text is anything else.
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        read(text).ok_or(MomentError)
    }

    /// The point in time itself.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        self.instant
    }
}

fn read(text: &str) -> Option<Moment> {
    if !text.is_ascii() {
        return None;
    }
    let (date, time) = (text.get(..10)?, text.get(11..19)?);
    let shaped = matches!(text.as_bytes()[10], b'T' | b't')
        && separated(date, b'-', [4, 7])
        && separated(time, b':', [2, 5]);
    let (nanos, offset) = fraction(text.get(19..)?)?;
    let (hour, minute, second) = (number(&time[..2])?, number(&time[3..5])?, number(&time[6..])?);
    let leap = second == 60;
    let civil = DateTime::new(
        number(&date[..4])?,
        number(&date[5..7])?.try_into().ok()?,
        number(&date[8..])?.try_into().ok()?,
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        if leap { 59 } else { second.try_into().ok()? },
        if leap { 999_999_999 } else { nanos },
    )
    .ok()?;
    let offset = parse_offset(offset)?;
    let instant = offset.to_timestamp(civil).ok()?;
    let utc = Offset::UTC.to_datetime(instant);
    let leap_fits =
        !leap || (utc.hour() == 23 && utc.minute() == 59 && utc.date() == utc.date().last_of_month());
    (shaped && leap_fits).then_some(Moment { instant, offset })
}

fn separated(text: &str, by: u8, at: [usize; 2]) -> bool {
    at.iter().all(|&i| text.as_bytes()[i] == by)
}

fn number(digits: &str) -> Option<i16> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// An optional fraction of a second in nanoseconds (finer digits are cut off), and what is behind it.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let padded = format!("{:0<9.9}", rest.get(..len)?);
    if len == 0 { None } else { Some((padded.parse().ok()?, &rest[len..])) }
}

fn parse_offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z") {
        return Some(Offset::UTC);
    }
    if text.len() != 6 || text.as_bytes()[3] != b':' {
        return None;
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (i32::from(number(&text[1..3])?), i32::from(number(&text[4..])?));
    let seconds = (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))?;
    Offset::from_seconds(seconds).ok()
}

/// The moment a campaign is judged at. Years and months are those of the calendar in its own offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    moment: Moment,
    year: i16,
    implied_from: Timestamp,
}

impl AsOf {
    /// For how many calendar months an implied consent holds (CASL s.10(10)).
    pub const IMPLIED_MONTHS: i32 = 24;

    /// Reads an RFC 3339 date and time.
    ///
    /// # Errors
    /// Where the text is anything else, or there are no 24 months before it.
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        let moment = Moment::parse(text)?;
        let civil = moment.offset.to_datetime(moment.instant);
        let from = civil.checked_sub(Span::new().months(Self::IMPLIED_MONTHS)).map_err(|_| MomentError)?;
        let implied_from = moment.offset.to_timestamp(from).map_err(|_| MomentError)?;
        Ok(Self { moment, year: civil.year(), implied_from })
    }

    /// The point in time itself.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        self.moment.instant
    }

    /// The calendar year.
    #[must_use]
    pub fn year(&self) -> i16 {
        self.year
    }

    /// The earliest moment whose implied consent still holds: 24 calendar months before, at the same time
    /// of day, the day clamped to the month's end.
    #[must_use]
    pub fn implied_from(&self) -> Timestamp {
        self.implied_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_and_nothing_looser() {
        for (text, utc) in [
            ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.52Z"),
            ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"),
            ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.87Z"),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999999999Z"),
            ("2024-02-29t00:00:00z", "2024-02-29T00:00:00Z"),
            ("2024-01-01T00:00:00-00:00", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00.1234567899Z", "2024-01-01T00:00:00.123456789Z"),
        ] {
            assert_eq!(Moment::parse(text).unwrap().instant().to_string(), utc, "{text}");
        }
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00Z",
            "2024-01-01 00:00:00Z",
            "2024-1-01T00:00:00Z",
            "20240101T000000Z",
            "2024-01-01T00:00:00+02",
            "2024-01-01T00:00:00+0200",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+02:60",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00,5Z",
            "2024-01-01T00:00:00Z[UTC]",
            "2024-01-01T00:00:00Z ",
            " 2024-01-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T12:00:60Z",
            "2024-01-01T23:59:60Z",
            "+024-01-01T00:00:00Z",
            "2024-01-01T+1:00:00Z",
            "9999-12-31T23:59:59Z",
            "２０24-01-01T00:00:00Z",
        ] {
            assert_eq!(Moment::parse(text), Err(MomentError), "{text}");
        }
    }

    #[test]
    fn twenty_four_months_before_is_clamped_to_the_months_end() {
        for (as_of, from) in [
            ("2026-03-01T10:00:00Z", "2024-03-01T10:00:00Z"),
            ("2024-02-29T10:00:00Z", "2022-02-28T10:00:00Z"),
            ("2026-02-28T10:00:00Z", "2024-02-28T10:00:00Z"),
            ("2026-03-01T00:30:00+02:00", "2024-02-29T22:30:00Z"),
        ] {
            assert_eq!(AsOf::parse(as_of).unwrap().implied_from().to_string(), from, "{as_of}");
        }
    }

    #[test]
    fn the_year_is_the_one_written() {
        assert_eq!(AsOf::parse("2026-01-01T00:30:00+14:00").unwrap().year(), 2026);
        assert_eq!(AsOf::parse("2025-12-31T23:30:00-10:00").unwrap().year(), 2025);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.+Zz-]{0,24}") {
            if let Ok(moment) = Moment::parse(&text) {
                // Another implementation reads the same instant (leap seconds aside).
                let other: Timestamp = text.parse().unwrap();
                proptest::prop_assert!(moment.instant() == other || text.contains(":60"));
            }
        }
    }
}
