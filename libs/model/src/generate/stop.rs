//! Finds stop strings in a text that comes in pieces; what is between `<think>` and `</think>` is not searched, because no
//! reader sees it.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Watches for stop strings.
pub(super) struct Stops<'a> {
    stops: &'a [String],
    /// Whether the text is inside of a thought.
    inside: bool,
    /// What may be the beginning of a stop string or a tag, so that it is not given out yet.
    held: String,
    reached: bool,
}

impl<'a> Stops<'a> {
    /// `inside`: the text begins inside of a thought.
    pub(super) fn new(stops: &'a [String], inside: bool) -> Self {
        Self { stops, inside, held: String::new(), reached: false }
    }

    /// What is certain after one more piece, and whether a stop string was reached. After one nothing comes any more.
    pub(super) fn push(&mut self, text: &str) -> (String, bool) {
        if self.reached {
            return (String::new(), true);
        }
        if self.stops.is_empty() {
            return (text.to_owned(), false);
        }
        self.held.push_str(text);
        let mut certain = String::new();
        while let Some((at, tag)) = self.next() {
            let rest = self.held.split_off(at + tag.map_or(0, str::len));
            certain.push_str(&std::mem::replace(&mut self.held, rest));
            if tag.is_none() {
                self.reached = true;
                self.held.clear();
                return (certain, true);
            }
            self.inside = !self.inside;
        }
        let safe = self.held.len() - self.undecided();
        let rest = self.held.split_off(safe);
        certain.push_str(&std::mem::replace(&mut self.held, rest));
        (certain, false)
    }

    /// Where the next stop string begins, or the next tag, and then which.
    fn next(&self) -> Option<(usize, Option<&'static str>)> {
        let stop = self.watched().filter_map(|stop| self.held.find(stop)).min().map(|at| (at, None));
        let tag = self.held.find(self.tag()).map(|at| (at, Some(self.tag())));
        stop.into_iter().chain(tag).min_by_key(|(at, _)| *at)
    }

    /// The tag that would end the present part of the text.
    fn tag(&self) -> &'static str {
        if self.inside { CLOSE } else { OPEN }
    }

    /// The stop strings, where they mean something.
    fn watched(&self) -> impl Iterator<Item = &'a str> {
        let stops = if self.inside { &[] } else { self.stops };
        stops.iter().map(String::as_str)
    }

    /// What was held back, once the text is at its end.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The length of the longest end of the text that begins a stop string or a tag.
    fn undecided(&self) -> usize {
        let begins = |stop: &str| {
            let mut begins = (1..stop.len()).rev().filter_map(|length| stop.get(..length));
            begins.find(|begin| self.held.ends_with(begin)).map_or(0, str::len)
        };
        self.watched().chain([self.tag()]).map(begins).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        run_from(false, stops, pieces)
    }

    fn run_from(inside: bool, stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let stops: Vec<String> = stops.iter().map(|s| (*s).into()).collect();
        let mut watch = Stops::new(&stops, inside);
        let (mut text, mut stopped) = (String::new(), false);
        for piece in pieces {
            let (more, now) = watch.push(piece);
            text.push_str(&more);
            stopped |= now;
        }
        text.push_str(&watch.finish());
        (text, stopped)
    }

    #[test]
    fn a_stop_string_across_pieces_is_found_and_never_given_out() {
        assert_eq!(
            run(&["\n\n", "END"], &["a\n", "b", "E", "N", "X E", "ND", "more"]),
            ("a\nbENX ".into(), true)
        );
        assert_eq!(run(&["é!"], &["caf", "é", "?"]), ("café?".into(), false));
        assert_eq!(run(&["aab"], &["a", "a", "a", "b"]), ("a".into(), true));
    }

    #[test]
    fn thoughts_are_not_searched() {
        let cases = [
            (false, "<think>a\n\nb</think>c\n\nd", "<think>a\n\nb</think>c", true),
            (true, "a\n\nb</think>c\n\nd", "a\n\nb</think>c", true),
            (true, "a\n\nnever closed", "a\n\nnever closed", false),
            (false, "a\n\n<think>b", "a", true),
            (false, "a < b <thin> c", "a < b <thin> c", false),
        ];
        for (inside, text, given, stopped) in cases {
            let pieces: Vec<&str> = text.split_inclusive(|_: char| true).collect();
            for pieces in [&pieces[..], &[text]] {
                assert_eq!(run_from(inside, &["\n\n"], pieces), (given.into(), stopped), "{text:?}");
            }
        }
    }

    proptest! {
        /// However a text is cut, the outcome is that of searching it whole.
        #[test]
        fn pieces_do_not_matter(text in "[ab.é]{0,24}", stops in prop::collection::vec("[ab.é]{1,4}", 0..3), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let at: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|c| at[c.index(at.len())]).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|w| text.get(w[0]..w[1]).unwrap()).collect();
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let (is, stopped) = run(&stops, &pieces);
            // The stop string that is complete first ends the text; of those the one that begins first.
            let end = stops.iter().filter_map(|s| text.find(s).map(|i| i + s.len())).min();
            prop_assert_eq!(stopped, end.is_some());
            match end {
                None => prop_assert_eq!(is, text),
                Some(_) => {
                    prop_assert!(text.starts_with(&is));
                    prop_assert!(stops.iter().all(|s| !is.contains(s)));
                    prop_assert!(stops.iter().any(|s| text.split_at(is.len()).1.starts_with(s)));
                }
            }
        }
    }
}
