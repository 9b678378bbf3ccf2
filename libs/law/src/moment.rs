//! Points in time as RFC 3339 writes them, and the calendar arithmetic that the rules need.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, Timestamp};

use crate::ImpliedBy;

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
    let (date, between, time) = (text.get(..10)?, text.get(10..11)?, text.get(11..19)?);
    let shaped =
        matches!(between, "T" | "t") && separated(date, b'-', [4, 7]) && separated(time, b':', [2, 5]);
    let (nanos, offset) = fraction(text.get(19..)?)?;
    let (hour, minute, second) = (number(time.get(..2)?)?, number(time.get(3..5)?)?, number(time.get(6..)?)?);
    let leap = second == 60;
    let civil = DateTime::new(
        number(date.get(..4)?)?,
        number(date.get(5..7)?)?.try_into().ok()?,
        number(date.get(8..)?)?.try_into().ok()?,
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
    at.iter().all(|&i| text.as_bytes().get(i) == Some(&by))
}

fn number(digits: &str) -> Option<i16> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// An optional fraction of a second in nanoseconds (finer digits are cut off), and what is behind it.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, behind) = rest.split_at_checked(len)?;
    let padded = format!("{digits:0<9.9}");
    if len == 0 { None } else { Some((padded.parse().ok()?, behind)) }
}

fn parse_offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z") {
        return Some(Offset::UTC);
    }
    let [sign, _, _, b':', _, _] = text.as_bytes() else { return None };
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (i32::from(number(text.get(1..3)?)?), i32::from(number(text.get(4..)?)?));
    let seconds = (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))?;
    Offset::from_seconds(seconds).ok()
}

/// Why a planned send can't be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// The text is no moment.
    #[error("{}", self.sentence())]
    Moment(#[from] MomentError),
    /// Who knows what will be lawful then.
    #[error("{}", self.sentence())]
    TooFar,
}

impl WhenError {
    /// What a caller is told.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::Moment(_) => "as_of is not RFC 3339 with an offset",
            Self::TooFar => "as_of is more than 90 days ahead",
        }
    }

    /// Always, as good as: in 90 days it may be near enough.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        true
    }
}

/// When a list is judged: age and evidence at the import, the end of an implied consent at the planned send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    import: Timestamp,
    planned: Timestamp,
    business_from: Timestamp,
    inquiry_from: Timestamp,
}

impl When {
    /// How far ahead a send may be planned.
    pub const AHEAD: SignedDuration = SignedDuration::from_hours(90 * 24);
    /// For how many calendar months a consent implied by a purchase or contract holds (CASL 10(10)(a) to (d)).
    pub const BUSINESS_MONTHS: i32 = 24;
    /// For how many calendar months a consent implied by an inquiry or application holds (CASL 10(10)(e)).
    pub const INQUIRY_MONTHS: i32 = 6;

    /// A list that is imported and sent to at one moment.
    #[must_use]
    pub fn at(import: Timestamp) -> Self {
        Self::planned_at(import, import, Offset::UTC)
    }

    /// A list that is imported at `import` and sent to at `as_of` (RFC 3339); one that is past, or empty, means now.
    /// Calendar months are counted in the offset that `as_of` is written in.
    ///
    /// # Errors
    /// Where `as_of` is no moment, or too far ahead.
    pub fn new(import: Timestamp, as_of: &str) -> Result<Self, WhenError> {
        if as_of.is_empty() {
            return Ok(Self::at(import));
        }
        let planned = Moment::parse(as_of)?;
        if planned.instant.duration_since(import) > Self::AHEAD {
            return Err(WhenError::TooFar);
        }
        Ok(Self::planned_at(import, planned.instant.max(import), planned.offset))
    }

    fn planned_at(import: Timestamp, planned: Timestamp, offset: Offset) -> Self {
        let before = |months: i32| {
            let civil = offset.to_datetime(planned).checked_sub(Span::new().months(months));
            civil.and_then(|civil| offset.to_timestamp(civil)).unwrap_or(Timestamp::MIN)
        };
        Self {
            import,
            planned,
            business_from: before(Self::BUSINESS_MONTHS),
            inquiry_from: before(Self::INQUIRY_MONTHS),
        }
    }

    /// The same, for a hand-over `now`: what was to hold at the planned send has to hold then, too.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Self {
        if now <= self.planned { *self } else { Self::planned_at(self.import, now, Offset::UTC) }
    }

    /// The import.
    #[must_use]
    pub fn import(&self) -> Timestamp {
        self.import
    }

    /// The planned send, never before the import.
    #[must_use]
    pub fn planned(&self) -> Timestamp {
        self.planned
    }

    /// The calendar year of the import, in UTC.
    #[must_use]
    pub fn year(&self) -> i16 {
        Offset::UTC.to_datetime(self.import).year()
    }

    /// The earliest moment whose implied consent still holds at the planned send: whole calendar months before, at the
    /// same time of day, the day clamped to the month's end.
    #[must_use]
    pub fn implied_from(&self, by: ImpliedBy) -> Timestamp {
        match by {
            ImpliedBy::Business => self.business_from,
            ImpliedBy::Inquiry => self.inquiry_from,
        }
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

    fn when(import: &str, as_of: &str) -> Result<When, WhenError> {
        When::new(import.parse().unwrap(), as_of)
    }

    #[test]
    fn months_before_the_planned_send_are_clamped_to_the_months_end() {
        for (as_of, business, inquiry) in [
            ("2026-03-01T10:00:00Z", "2024-03-01T10:00:00Z", "2025-09-01T10:00:00Z"),
            ("2024-02-29T10:00:00Z", "2022-02-28T10:00:00Z", "2023-08-29T10:00:00Z"),
            ("2026-08-31T10:00:00Z", "2024-08-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            ("2026-03-01T00:30:00+02:00", "2024-02-29T22:30:00Z", "2025-08-31T22:30:00Z"),
        ] {
            let planned = Moment::parse(as_of).unwrap().instant();
            let when = When::new(planned - SignedDuration::from_hours(24), as_of).unwrap();
            assert_eq!(when.implied_from(ImpliedBy::Business).to_string(), business, "{as_of}");
            assert_eq!(when.implied_from(ImpliedBy::Inquiry).to_string(), inquiry, "{as_of}");
        }
    }

    #[test]
    fn the_planned_send_is_now_or_within_90_days() {
        let import = "2026-04-01T09:00:00Z";
        let planned = |as_of| when(import, as_of).map(|when| when.planned().to_string());
        assert_eq!(planned(""), Ok(import.into()));
        assert_eq!(planned("2020-01-01T00:00:00Z"), Ok(import.into()), "what is past means now");
        assert_eq!(planned("2026-06-30T11:00:00+02:00"), Ok("2026-06-30T09:00:00Z".into()));
        assert_eq!(planned("2026-06-30T11:00:00.000000001+02:00"), Err(WhenError::TooFar));
        assert_eq!(planned("2026-06-30"), Err(WhenError::Moment(MomentError)));
        // Neither a past nor a future date changes anybody's age.
        let years = ["2020-01-01T00:00:00Z", "", "2026-06-01T00:00:00Z"]
            .map(|as_of| when(import, as_of).unwrap().year());
        assert_eq!(years, [2026; 3]);
        let late = when(import, "2026-05-01T00:00:00Z").unwrap();
        assert_eq!(late.until("2026-04-02T00:00:00Z".parse().unwrap()), late);
        let later = late.until("2026-05-02T00:00:00Z".parse().unwrap());
        assert_eq!(
            (later.import(), later.planned().to_string()),
            (late.import(), "2026-05-02T00:00:00Z".into())
        );
        assert_eq!(When::at(Timestamp::MIN).implied_from(ImpliedBy::Business), Timestamp::MIN);
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
