//! Claims that cost somebody something if they are not true: free things, discounts, guarantees, delivery,
//! scarcity, credentials, testimonials; and what a model says about itself instead of writing.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::{Known, quantities::root};
use crate::text::{pattern::constant, tokens::Token};

/// One family of claims.
struct Family {
    /// What a reason calls it.
    what: &'static str,
    /// How copy makes the claim, over words in lower case with single spaces.
    claim: LazyLock<Regex>,
    /// What the sources must say for it; without, the very words of the claim.
    support: Option<LazyLock<Regex>>,
}

impl Family {
    /// Whether the draft makes a claim of this family that the sources don't.
    fn invented(&self, draft: &str, sources: &str, known: &Known) -> bool {
        if let Some(support) = &self.support {
            return self.claim.is_match(draft) && !support.is_match(sources);
        }
        let mut from = 0;
        while let Some(found) = self.claim.find_at(draft, from) {
            if !found
                .as_str()
                .split_ascii_whitespace()
                .filter(|w| w.len() > 2 && !w.contains(|c: char| c.is_ascii_digit()))
                .all(|w| known.root(w))
            {
                return true;
            }
            // The space after one claim is the space before the next.
            from = found.end() - 1;
        }
        false
    }
}

macro_rules! support {
    () => {
        None
    };
    ($support:literal) => {
        Some(LazyLock::new(|| constant(concat!(r" (?:", $support, r") "))))
    };
}

macro_rules! family {
    ($what:literal, $claim:literal $(, $support:literal)?) => {
        Family {
            what: $what,
            claim: LazyLock::new(|| constant(concat!(r" (?:", $claim, r") "))),
            support: support!($($support)?),
        }
    };
}

/// A claim is refused unless the sources make one of its family.
static FAMILIES: [Family; 14] = [
    family!(
        "a discount",
        r"discount\w*|sales?|savings?|deals?|bargains?|markdowns?|reduced|reductions?|rebates?|clearance|cheap\w*|half price|(?:lower|lowest|reduced|special|unbeatable|slashed|great|best|low) prices?|special offers?|price drop|(?:percent|money) off|slashed|save (?:big|more|money|now|today|on|up|even|while|extra|a lot|a bundle|\d\S*|\|)",
        r"discount\w*|sales?|savings?|saves?|deals?|bargains?|reduced|reductions?|rebates?|clearance|off|cheap\w*|half price|(?:lower|special) prices?|special offers?"
    ),
    family!(
        "a guarantee",
        r"guarante\w*|warrant\w*|money back|refund\w*|risk free|no risk|no questions asked|satisfaction or"
    ),
    family!(
        "a gift or a prize",
        r"bonus(?:es)?|giveaways?|prizes?|raffle|sweepstakes?|vouchers?|coupons?|cashback|gift (?:cards?|with|from)|(?:free|surprise) gifts?|lottery|jackpot|reward points|loyalty points|(?:chance|enter) to win|win (?:a|an|one|your|big)|winners?|you ve won|trial|samples?",
        r"bonus(?:es)?|giveaways?|prizes?|raffle|vouchers?|coupons?|cashback|gifts?|rewards?|points|win|winners?|trial|samples?"
    ),
    family!(
        "a code",
        r"(?:promo|discount|coupon|voucher|offer|checkout|use|enter|with)(?: the| your| our| this)? codes?|codes? at checkout",
        r"codes?"
    ),
    family!(
        "delivery or returns",
        r"shipping|ships|delivery|deliver(?:ed|s)? (?:to|straight|right|directly|free|fast|within)|dispatch\w*|doorstep|(?:free|easy|our|day|simple|hassle free) returns?|return policy|exchanges",
        r"ship\w*|deliver\w*|dispatch\w*|doorstep|returns?|express|post|posted|sent|exchanges"
    ),
    family!(
        "a speed of delivery",
        r"next day|same day|overnight|express (?:shipping|delivery)|(?:fast|quick|speedy|rapid|swift) (?:and free |free )?(?:shipping|delivery)|(?:delivered|ships?|arrives?) (?:within|in|tomorrow|today)"
    ),
    family!(
        "scarcity",
        r"limited (?:time|edition|stock|supply|supplies|quantit\w+|availability|offer|number|only|run|period)|while (?:supplies|stocks?|they) lasts?|supplies are limited|last chance|final chance|ends? soon|ending soon|expires?|only a few|few left|selling (?:out|fast)|sells? out|sold out|almost gone|running out|before (?:it s|they re|its|it is|they are) (?:gone|too late)|don t (?:wait|delay|miss)(?: out)?|hurry|act (?:now|fast)|time is running|won t last|going fast|last minute|for a short time|short time only|one time only|once in a lifetime|never again|countdown|deadline",
        r"limited|lasts?|until|till|ends?|ending|expires?|deadline"
    ),
    family!(
        "a credential",
        r"award winning|awards?|best ?sell(?:ing|ers?)|top rated|highest rated|number one|certifi\w+|clinical\w*|scientific\w*|scientists?|proven|doctors?|dermatologists?|experts? (?:say|agree|recommend)|patented|world s (?:best|first|finest|favou?rite|leading)|voted|five star|\d stars?|trusted by|loved by|reviews?|rated|accredited|official|licensed|approved|endorsed|recommended by|as seen|famous|celebrit\w+|leading|market leader|world class|since \d+|established in|founded|family owned|generations?|centur(?:y|ies)|decades?"
    ),
    family!(
        "a property of the product",
        r"organic\w*|vegan|vegetarian|gluten free|sugar free|dairy free|caffeine free|decaf\w*|plant based|non gmo|natural ingredients|all natural|additive free|preservative free|hypoallergenic|halal|kosher|handmade|hand (?:made|picked|crafted|rolled|blended|woven)|handpicked|handcrafted|sustainabl\w*|eco ?\w*|environmentally|recycl\w+|biodegradable|compostable|carbon|climate|fair ?trade|ethical\w*|cruelty free|locally (?:sourced|grown|made)|ethically sourced|single origin|small batch|waterproof|imported|homemade|antioxidants?"
    ),
    family!(
        "a health claim",
        r"cures?|heals?|treats? (?:your|colds?|pain)|weight loss|lose weight|slimming|detox\w*|immun\w+|anti ?aging|anti ?ageing|anxiety|depression|insomnia|blood pressure|metabolism|health benefits?|healthier|boosts? (?:your )?(?:energy|health|mood|metabolism|immun\w+)|medic\w+|therap\w+"
    ),
    family!(
        "an event or a place",
        r"our (?:store|stores|shop|shops|cafe|showroom|boutique|restaurant|branch|branches|locations?)|in store|grand opening|workshops?|webinars?|live stream|join us (?:at|on|in|for)|book (?:a|your) (?:table|seat|place|tickets?)|tickets?|open house",
        r"stores?|shops?|cafe|showroom|boutique|restaurant|branch(?:es)?|locations?|opening|workshops?|webinars?|live|join|book|tickets?|events?"
    ),
    family!(
        "a way to reach us",
        r"call us|give us a call|phone us|text us|visit us|email us|live chat|customer (?:service|support|care)|hotline|toll free|whatsapp|facebook|instagram|twitter|tiktok|youtube|linkedin|pinterest|download (?:our|the)|our app|contact us",
        r"call|phone|text|visit|e ?mail|chat|customer|hotline|whatsapp|facebook|instagram|twitter|tiktok|youtube|linkedin|pinterest|app|contact"
    ),
    family!(
        "a membership or a purchase of the reader's",
        r"your (?:recent |last |latest )?(?:order|purchase|account|membership|subscription|invoice|payment|refund)|thank you for (?:your (?:order|purchase)|ordering|purchasing|buying)|your points|members? only|vip\w*",
        r"order\w*|purchase\w*|account|member\w*|subscri\w+|invoice|payment|points|vip\w*"
    ),
    family!(
        "words of the model about itself",
        r"as an ai|ai language model|language model|as requested|here is (?:a|an|the|your) (?:draft|e ?mail|subject|revised|rewritten|version|body)|here s (?:a|an|the|your) (?:draft|e ?mail|subject|revised|rewritten|version)|subject line|subject \||e ?mail body|word count|in this e ?mail|the (?:reader|recipient|customer) (?:will|should|is)|lorem ipsum|insert|placeholder|your name|company name|product name|call to action|marketing e ?mail|target audience|i am (?:an? )?(?:ai|assistant|writing)"
    ),
];

/// `something-free` as a figure of speech.
const FIGURES: &[&str] =
    &["stress", "worry", "hassle", "care", "guilt", "trouble", "effort", "fuss", "hands", "feel", "clutter"];
/// What may follow `free` without saying what costs nothing.
const AFTER_FREE: &[&str] = &[
    "to", "from", "of", "and", "time", "moment", "spirit", "spirited", "your", "yourself", "flowing", "when",
    "as",
];

/// Claims that the sources do not make.
pub(super) fn check(draft: &[Token], known: &Known) -> Vec<String> {
    let words = spaced(draft);
    let sources = spaced(&known.tokens);
    let mut out: Vec<String> = FAMILIES
        .iter()
        .filter(|family| family.invented(&words, &sources, known))
        .map(|family| format!("it claims {} that the brief, the offer and the brand do not", family.what))
        .collect();
    if free(&words, &known.free) || (!FREE_OF_CHARGE.is_match(&sources) && costless(&words, &known.free)) {
        out.push("it calls something free that the brief, the offer and the brand do not".to_owned());
    }
    if quotes(draft, &sources) {
        out.push("it quotes somebody whom the brief, the offer and the brand do not".to_owned());
    }
    out
}

static FREE_OF_CHARGE: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r" (?:gratis|complimentary|on us|on the house|no (?:extra )?(?:cost|charge)|without (?:charge|paying)|for nothing|costs? nothing) ",
    )
});

/// Roots of the words of each sentence that calls something free.
pub(super) fn free_sentences(tokens: &[Token]) -> Vec<HashSet<String>> {
    let text = spaced(tokens);
    let free = text.split('|').filter(|s| s.contains(" free ") || s.contains(" gratis "));
    free.map(|sentence| sentence.split_ascii_whitespace().map(delivery).collect()).collect()
}

/// Whether something is `free` here that is not in the sources: each `free` needs one near the same word.
fn free(words: &str, sources: &[HashSet<String>]) -> bool {
    let list: Vec<&str> = words.split_ascii_whitespace().collect();
    list.iter().enumerate().filter(|(_, w)| matches!(**w, "free" | "freebie" | "freebies")).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|i| list.get(i)).copied().unwrap_or("|");
        let after = list.get(at + 1).copied().unwrap_or("|");
        if FIGURES.contains(&before)
            || (AFTER_FREE.contains(&after) && !matches!(before, "for" | "is" | "are" | "it"))
        {
            return false;
        }
        let about =
            [at.checked_sub(1), Some(at + 1), Some(at + 2)].into_iter().flatten().filter_map(|i| list.get(i));
        let about: Vec<String> = about.filter(|w| w.len() > 3).map(|w| delivery(w)).collect();
        !sources.iter().any(|sentence| about.is_empty() || about.iter().any(|word| sentence.contains(word)))
    })
}

/// Whether a sentence says in other words that something costs nothing which the sources don't call free.
fn costless(words: &str, sources: &[HashSet<String>]) -> bool {
    words.split('|').filter(|sentence| FREE_OF_CHARGE.is_match(sentence)).any(|sentence| {
        let about: Vec<String> =
            sentence.split_ascii_whitespace().filter(|w| w.len() > 3).map(delivery).collect();
        !sources.iter().any(|free| about.iter().any(|word| free.contains(word)))
    })
}

/// The root of a word; shipping, delivery and postage are one.
fn delivery(word: &str) -> String {
    match root(word).as_str() {
        "ship" | "delivery" | "deliver" | "postag" => "ship".to_owned(),
        other => other.to_owned(),
    }
}

/// A quotation of four words or more is somebody's, so the sources must have it.
fn quotes(draft: &[Token], sources: &str) -> bool {
    let marks: Vec<usize> = draft.iter().enumerate().filter(|(_, t)| t.is('"')).map(|(i, _)| i).collect();
    marks.array_windows().any(|[from, to]| {
        let quoted = draft.iter().take(*to).skip(*from);
        let quoted: Vec<&str> = quoted.filter(|t| t.word()).map(|t| t.lower.as_str()).collect();
        quoted.len() > 3 && !sources.contains(&format!(" {} ", quoted.join(" ").replace('\'', " ")))
    })
}

/// Words in lower case with single spaces, `'` as a space and ` | ` between sentences. Signs are left out.
fn spaced(tokens: &[Token]) -> String {
    let phrases = super::phrases(tokens).replace('\'', " ");
    format!("{phrases}| ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for family in &FAMILIES {
            assert!(
                !family.claim.is_match("")
                    && family.support.as_ref().is_none_or(|support| !support.is_match(""))
            );
        }
        assert!(FREE_OF_CHARGE.is_match(" at no cost "));
    }
}
