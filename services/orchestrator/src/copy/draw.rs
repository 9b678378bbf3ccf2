//! One piece: draw, clean, rank, put before the rails, and draw again where nothing passes.

use super::{Ask, Brief, Complete, CopyError, Options, Rails, clean, judged::judge, prompt, rank};

/// Candidates of one draw.
const CANDIDATES: usize = 8;
/// The first draw is cool; each further one is this much warmer, for it has to be different.
const TEMPERATURE: f32 = 0.35;
const WARMER: f32 = 0.1;
const HOTTEST: f32 = 0.8;
const TOP_P: f32 = 0.92;

/// Where the words of a cohort come from and who judges them.
pub(super) struct Desk<'a, M, R> {
    pub(super) brief: &'a Brief,
    pub(super) seed: u64,
    pub(super) max_rewrites: u32,
    pub(super) model: &'a M,
    pub(super) rails: &'a R,
}

/// A piece that passed.
pub(super) struct Chosen {
    pub(super) words: String,
    pub(super) rewrites: u32,
}

impl<M: Complete, R: Rails> Desk<'_, M, R> {
    /// Draws `ask` until something passes. `before`: the pieces that are chosen already; `judged`: what the
    /// rails are shown for a candidate.
    pub(super) async fn draw(
        &self,
        ask: Ask,
        before: &[String],
        judged: impl Fn(&str) -> String,
    ) -> Result<Chosen, CopyError> {
        let mut refused: Option<String> = None;
        for attempt in 0..=self.max_rewrites {
            let asked = match judge(prompt::asked(ask, self.brief, refused.as_deref()), self.rails).await? {
                Ok(asked) => asked,
                Err(wrong) => {
                    let reason = format!("request for the {}: {wrong}", ask.name());
                    return Err(CopyError::Blocked { reason, rewrites: attempt });
                }
            };
            let answers = self.model.complete(prompt::chat(ask, asked), self.options(ask, attempt)).await;
            let answers = answers.map_err(|error| error.of(ask))?;
            let (candidates, flaw) = self.ranked(ask, &answers, before);
            refused = Some(flaw.to_owned());
            for (at, words) in candidates.into_iter().enumerate() {
                let violations = self.rails.check(ask.piece(), &judged(&words)).await;
                match violations.map_err(|error| error.of(ask))?.into_iter().next() {
                    None => return Ok(Chosen { words, rewrites: attempt }),
                    Some(first) if at == 0 => refused = Some(first),
                    Some(_) => {}
                }
            }
        }
        let reason = refused.unwrap_or_default();
        let draws = self.max_rewrites.saturating_add(1);
        let reason = format!("{}: nothing of {draws} draws passed; at last: {reason}", ask.name());
        Err(CopyError::Blocked { reason, rewrites: self.max_rewrites })
    }

    /// The usable candidates, the best first and each once; and what was wrong with the last other one.
    fn ranked(&self, ask: Ask, answers: &[String], before: &[String]) -> (Vec<String>, &'static str) {
        let mut flaw = "an empty answer";
        let mut usable: Vec<String> = Vec::new();
        for answer in answers {
            match clean::clean(ask, answer, self.brief) {
                Err(what) => flaw = what,
                Ok(words) if before.contains(&words) => flaw = "saying the same thing twice",
                Ok(words) => usable.push(words),
            }
        }
        let mut candidates: Vec<(usize, String)> = Vec::new();
        for words in &usable {
            if candidates.iter().all(|(_, other)| other != words) {
                let points =
                    rank::points(ask, words, self.brief, before) + rank::eccentricity(words, &usable);
                candidates.push((points, words.clone()));
            }
        }
        // Stable: of equals, the one that was drawn first.
        candidates.sort_by_key(|(points, _)| *points);
        (candidates.into_iter().map(|(_, words)| words).collect(), flaw)
    }

    fn options(&self, ask: Ask, attempt: u32) -> Options {
        let cohort = [self.brief.locale.as_bytes(), self.brief.segment.as_bytes()];
        #[expect(clippy::cast_precision_loss, reason = "attempts are few")]
        let warmth = TEMPERATURE + WARMER * attempt as f32;
        Options {
            n: CANDIDATES,
            max_tokens: ask.max_tokens(),
            temperature: warmth.min(HOTTEST),
            top_p: TOP_P,
            seed: seed(self.seed, cohort, ask, attempt),
            stop: ask.stop().iter().map(|stop| (*stop).to_owned()).collect(),
        }
    }
}

/// The seed of one draw: FNV-1a over everything that names it, mixed (splitmix64), kept to 53 bits so that
/// any JSON reader has it exactly.
fn seed(campaign: u64, cohort: [&[u8]; 2], ask: Ask, attempt: u32) -> u64 {
    let [locale, segment] = cohort;
    let number = campaign.to_le_bytes();
    let attempt = attempt.to_le_bytes();
    let parts = [&number[..], locale, b"/", segment, b"\0", ask.name().as_bytes(), &attempt];
    let hash = parts.concat().iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut mixed = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) >> 11
}
