//! Text from elsewhere, as a terminal may be given it.

/// One line as a terminal may be given it: what it would act on or hide is spelt out.
#[must_use]
pub fn printable(line: &str) -> String {
    let hidden = |c: char| c.is_control() || maily_law::is_invisible(c);
    line.chars().fold(String::with_capacity(line.len()), |mut out, c| {
        match hidden(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_spelt_out() {
        assert_eq!(printable("Ann, \u{1b}[2J\n\u{202e}vip"), "Ann, \\u{1b}[2J\\u{a}\\u{202e}vip");
        assert_eq!(printable("jörg@müller.example"), "jörg@müller.example");
    }
}
