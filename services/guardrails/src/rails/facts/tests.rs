//! The table of what the facts rail lets through and what it refuses.

use super::*;

fn tea() -> Known {
    Known::new(&Sources {
        brief:
            "Spring collection of loose-leaf teas. New this season: Darjeeling first flush and a rose blend. \
                The sale ends on Sunday 31 March 2026."
                .into(),
        offer:
            "20% off all loose-leaf teas until 31 March 2026. Free shipping on orders over €50. Use the code \
                LEAF20 at checkout. Our shops open at 10:30. Each tin holds 3 ounces and makes forty cups."
                .into(),
        brand:
            "Leaf & Kettle has blended organic tea by hand in Dublin since 1987. See leafandkettle.example."
                .into(),
        sender_name: "Mara at Leaf & Kettle".into(),
    })
}

fn garden() -> Known {
    Known::new(&Sources {
        brief: "Our spring sale has started. New garden furniture, pots and seeds have arrived, and it is a lovely \
                time to get the garden ready for the warm months."
            .into(),
        offer: "Save 20% on garden furniture, pots and seeds until 5 April 2026 with the code SPRING20, in our shops \
                and online."
            .into(),
        brand: "Warm, calm and practical, like a good neighbour over the fence.".into(),
        sender_name: "Fernhill Garden Shop".into(),
    })
}

fn passes(known: &Known, drafts: &[&str]) {
    for draft in drafts {
        let reasons = check(draft, known);
        assert!(reasons.is_empty(), "{draft:?} was refused: {reasons:?}");
    }
}

fn refuses(known: &Known, drafts: &[(&str, &str)]) {
    for (draft, why) in drafts {
        let reasons = check(draft, known);
        assert!(
            reasons.iter().any(|r| r.contains(why)),
            "{draft:?} should be refused for {why:?}: {reasons:?}"
        );
    }
}

#[test]
fn ordinary_copy_about_tea_passes() {
    passes(
        &tea(),
        &[
            "Hi {{first_name}},\n\nSpring is here, and so are our new teas.",
            "Discover the new spring collection",
            "A Fresh Cup For Spring",
            "Your Spring Tea Is Waiting",
            "20% off all loose-leaf teas until 31 March",
            "Enjoy twenty percent off every loose-leaf tea.",
            "Take 20% off our loose-leaf teas.",
            "The sale ends on Sunday.",
            "Free shipping on orders over €50.",
            "Orders over 50 euros get free delivery.",
            "Use code LEAF20 at checkout.",
            "We have blended tea in Dublin since 1987.",
            "Our organic teas are blended by hand.",
            "Try the Darjeeling first flush. It is lovely.",
            "Sip slowly. Breathe in. There's nothing quite like it.",
            "It's the small moments that matter, don't you think?",
            "Steep, sip and savour: the new blends have arrived!",
            "Whether you like it bold or delicate, you'll find a tea to love.",
            "Warm regards,\nMara",
            "Best Wishes,\nThe Leaf & Kettle team",
            "You may find a new favourite. May your kettle always be warm.",
            "Feel free to look around; it is a stress-free way to find a blend.",
            "One sip and you are in the garden. This is the one for you.",
            "Dear Friend, the kettle is on and the first leaves are here.",
            "So good, so very good.",
            "Each tin makes forty cups.",
            "Each tin makes 40 cups.",
            "Our shops open at 10:30, so come by.",
            "I'll put the kettle on, and I'm sure you'll stay.",
            "SPRING teas are here",
            "Visit leafandkettle.example to see them all.",
            "Save room for one more cup.",
        ],
    );
}

#[test]
fn ordinary_copy_about_gardens_passes() {
    passes(
        &garden(),
        &[
            "Hello {{first_name}}, it's time to get your garden ready for spring!",
            "Our garden furniture and pots are waiting for you. Sit down, take a breath and enjoy the fresh air.",
            "Whether you have a balcony or a big garden, our new pots will bring colour.",
            "There is something special about the first warm days of the year. Birds sing and buds open.",
            "Save 20% on garden furniture, pots and seeds until 5 April 2026.",
            "Use the code SPRING20 in our shops or online.",
            "Dear Gardener, happy planting!",
            "Get Your Garden Ready For The Warm Months",
            "New Pots, New Seeds, New Season",
            "Come and see us in our shops. We would love to help you plan.",
            "Imagine long evenings outside, with good company and a comfortable chair.",
            "The spring sale has started",
            "Fernhill Garden Shop has everything you need.",
            "Seeds to sow, pots to fill, chairs to rest in.",
            // The platform slots the offer in below copy that speaks of it.
            "Come and see our garden furniture, pots and seeds.\n\nSave 20% on garden furniture, pots and seeds until \
             5 April 2026 with the code SPRING20, in our shops and online.",
        ],
    );
}

#[test]
fn invented_numbers_are_refused() {
    refuses(
        &tea(),
        &[
            ("Enjoy 25% off all teas.", "percentage"),
            ("Enjoy thirty percent off all teas.", "percentage"),
            ("20 cups in every tin.", "number"),
            ("Over €20 saved.", "price"),
            ("Only €9.90 a tin.", "price"),
            ("Only nine euros a tin.", "price"),
            ("Free shipping over $50.", "price"),
            ("More than 10,000 happy tea drinkers.", "number"),
            ("Thousands of tea drinkers agree.", "number"),
            ("Half the price, all the taste.", "number"),
            ("Buy two teas.", "number"),
            ("Twice as fragrant.", "number"),
            ("A dozen new blends.", "number"),
            ("Ready in 3 minutes.", "number"),
            ("20% more caffeine.", "percentage"),
            ("Get ２５％ off.", "percentage"),
            ("Save ٢٠ today.", "number"),
            ("½ off everything.", "number"),
            ("Open until 22:30.", "number"),
            ("Since 1887, by hand.", "number"),
            ("Just one day left.", "number"),
            ("It is our #1 tea.", "number"),
            ("Save up to % on tea.", "sign"),
            ("Our third flush.", "number"),
        ],
    );
    refuses(
        &garden(),
        &[
            ("Save 20% on sheds and lawnmowers.", "percentage"),
            ("Save 5% on pots.", "percentage"),
            ("Take 20 pots home.", "number"),
        ],
    );
}

#[test]
fn invented_times_are_refused() {
    refuses(
        &tea(),
        &[
            ("The sale ends on Friday.", "date"),
            ("Come by on Saturday.", "date"),
            ("It lasts until April.", "date"),
            ("Until 31 May.", "date"),
            ("In May it is over.", "date"),
            ("It starts tomorrow.", "date"),
            ("Order before midnight.", "date"),
            ("The perfect summer tea.", "date"),
            ("A cosy winter blend.", "date"),
            ("Merry Christmas from us.", "date"),
            ("A gift for Mother's Day.", "mother's day"),
            ("It ends next week.", "next week"),
            ("Today only.", "today only"),
            ("Until Fri 29.", "date"),
            ("Ends 31 Mar. Or 30 Nov.", "date"),
        ],
    );
}

#[test]
fn invented_names_are_refused() {
    refuses(
        &tea(),
        &[
            ("Anna loves our teas.", "name"),
            ("Ask Anna about our teas.", "name"),
            ("Dear Anna, the kettle is on.", "name"),
            ("Dear Hope, the kettle is on.", "name"),
            ("Thanks, Emily", "name"),
            ("Our teas come from Assam.", "name"),
            ("Blended in Paris for you.", "name"),
            ("As good as Twinings.", "name"),
            ("Shop at Amazon.", "name"),
            ("Loved By Google And Apple", "name"),
            ("Try our SuperBlend.", "name"),
            ("Try our new Sunrise tea.", "name"),
            ("Approved by the FDA.", "name"),
            ("Sold on eBay.", "name"),
            ("Sally says it is lovely.", "name"),
            ("Joy says it is lovely.", "name"),
            ("Anna's favourite tea.", "name"),
            ("Coca-Cola tastes worse.", "name"),
            ("Ünal would agree.", "name"),
        ],
    );
}

#[test]
fn invented_claims_and_links_are_refused() {
    refuses(
        &tea(),
        &[
            ("Get a free teapot.", "free"),
            ("A free gift with every tin.", "free"),
            ("It is yours at no cost.", "free"),
            ("Satisfaction guaranteed.", "guarantee"),
            ("Or your money back.", "guarantee"),
            ("Win a trip to the tea gardens.", "gift or a prize"),
            ("Next-day to your door.", "delivery"),
            ("Our award-winning teas.", "credential"),
            ("The world's best tea.", "credential"),
            ("Vegan and gluten-free.", "property of the product"),
            ("It boosts your immune system.", "health"),
            ("\"This is the best tea ever\" is what you will say.", "quotes"),
            ("Order at https://other.example/tea.", "link"),
            ("Follow @leafandkettle for more.", "link"),
            ("See tea.com for more.", "link"),
            ("As an AI language model I like tea.", "model about itself"),
            ("Here is a draft for you: the teas are here.", "model about itself"),
        ],
    );
    refuses(
        &garden(),
        &[
            ("Enjoy free delivery.", "delivery"),
            ("Enjoy free pots.", "free"),
            ("Our handmade pots.", "property of the product"),
        ],
    );
    let quiet = Known::new(&Sources { brief: "New pots have arrived.".into(), ..Sources::default() });
    refuses(
        &quiet,
        &[
            ("Enjoy our sale.", "discount"),
            ("Save big on pots.", "discount"),
            ("Pots at unbeatable prices.", "discount"),
            ("Hurry, they won't last.", "scarcity"),
            ("A limited time only.", "scarcity"),
            ("Use the code at checkout.", "code"),
            ("Visit us in our shops.", "event or a place"),
            ("Join us on Facebook.", "reach us"),
            ("Thank you for your order.", "purchase"),
        ],
    );
}

#[test]
fn repetition_is_refused() {
    refuses(
        &garden(),
        &[
            ("The pots are here. The garden waits. The pots are here.", "sentence is repeated"),
            (
                "We have new pots for your garden and new seeds, and we have new pots for your balcony.",
                "run of words",
            ),
            ("Get the garden ready, get the garden green, get the garden going.", "run of words"),
            ("Enjoy the the garden.", "doubled"),
        ],
    );
}

#[test]
fn reasons_never_quote_the_draft() {
    let known = tea();
    for draft in [
        "Ask Zebediah on 0161 496 0000",
        "Write to zebediah@example.com",
        "Zebediah says \"I adore this tea so much\"",
    ] {
        for reason in check(draft, &known) {
            assert!(!reason.to_lowercase().contains("zebediah") && !reason.contains("496"), "{reason}");
        }
    }
}

#[test]
fn long_texts_are_judged() {
    let draft = "Anna 12 free 3% of €4 \"x\" Monday ".repeat(1_500);
    let sources =
        Sources { brief: draft.clone(), offer: "Berta 13 free 7% ".repeat(3_000), ..Sources::default() };
    assert!(!check(&draft, &Known::new(&sources)).is_empty());
}
