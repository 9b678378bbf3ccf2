//! Makes hostile templates: whatever grows, and whatever nests.

/// The template of a number, over this variable: each kind in turn, every time with other numbers.
pub(crate) fn template(at: usize, variable: &str, dice: &mut Dice) -> String {
    match at % (GROWING.len() + NESTING.len()) {
        kind if kind < GROWING.len() => growing(GROWING[kind], variable, dice),
        kind => nesting(NESTING[kind - GROWING.len()], variable, dice),
    }
}

/// The longest source: what a checkpoint's template may have.
const LONGEST: usize = 1 << 20;

/// `V` is the variable, `N` a large number, `K` one that a loop reaches, `S` a string, `O` an operator.
const GROWING: [&str; 48] = [
    "{{ V | indent(N) }}",
    "{{ V | indent(N, true, true) }}",
    "{{ S * N }}",
    "{{ S * N * N }}",
    "{{ N * S }}",
    "{{ [S] * K }}",
    "{{ ([S] * N) | join(S) }}",
    "{{ (S * K) * K }}",
    "{{ (S * K) | replace(S, S * K) }}",
    "{{ (S * K) | replace('', S * K) | replace('', S * K) }}",
    "{{ V | replace('', V) | replace('', V) | replace('o', V * K) | replace('n', V * K) }}",
    "{{ ('%' ~ N ~ 's') | format(V) }}",
    "{{ '%*d' | format(N, 1) }}",
    "{{ ('%.' ~ N ~ 'f') | format(1.5) }}",
    "{{ '{:>N}'.format(V) }}",
    "{{ V.center(N) }}{{ V.ljust(N) }}{{ V.zfill(N) }}",
    "{{ V | center(N) }}",
    "{{ V | tojson(N) }}",
    "{{ [V, [V]] | tojson(indent=N) }}",
    "{{ range(N) | list }}",
    "{{ range(K) | join(S * K) }}",
    "{{ range(K) | map('string') | join(S) | replace('1', S) | list | join(S) }}",
    "{{ V | batch(N, S) | list }}",
    "{{ V | list | slice(N, S) | list }}",
    "{{ [1, 2] | batch(N, S * K) | list }}",
    "{{ 2 ** N }}{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ (S * K) | list | sort | unique | reverse | join(S * K) }}",
    "{{ (S * K) | upper | title | escape | urlencode | tojson | tojson | tojson | tojson }}",
    "{{ (S * K).split(S) | tojson }}{{ (S * K).replace(S, S * K) }}{{ S.join(range(K) | map('string')) }}",
    "{% set n = namespace(s=S) %}{% for i in range(K) %}{% set n.s = n.s O n.s %}{% endfor %}{{ n.s }}",
    "{% set n = namespace(s=S) %}{% for i in range(64) %}{% set n.s = n.s O n.s O n.s %}{% endfor %}{{ n.s | length }}",
    "{% set n = namespace(s=[S]) %}{% for i in range(64) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s | list | length }}",
    "{% set n = namespace(s=[S]) %}{% for i in range(K) %}{% set n.s = n.s + [n.s] %}{% endfor %}{{ n.s }}",
    "{% set n = namespace(s=[]) %}{% for i in range(K) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
    "{% set n = namespace(s={}) %}{% for i in range(K) %}{% set n.s = {'a': n.s, 'b': n.s} %}{% endfor %}{{ n.s | tojson }}",
    "{% set n = namespace(s={}) %}{% for i in range(64) %}{% set n.s = dict(n.s, a=n.s, b=S * K) %}{% endfor %}{{ n.s | string }}",
    "{% for a in range(K) %}{% for b in range(K) %}{% for c in range(K) %}{{ V }}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in range(K) %}{{ S * K }}{% endfor %}",
    "{% for a in range(K) recursive %}{{ a }}{{ loop(range(K)) }}{% endfor %}",
    "{% macro m(s) %}{{ s }}{{ m(s O s) }}{% endmacro %}{{ m(S) }}",
    "{% macro m(s, d) %}{% if d %}{{ m(s, d - 1) }}{{ m(s, d - 1) }}{% else %}{{ s }}{% endif %}{% endmacro %}{{ m(S * K, 60) }}",
    "{% macro m(s, d) %}{% if d %}{{ m(m(s, d - 1), d - 1) }}{% else %}{{ s O s }}{% endif %}{% endmacro %}{{ m(S, 12) }}",
    "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}{% call m() %}{% call m() %}{{ S * N }}{% endcall %}{% endcall %}",
    "{% macro m() %}{% call m() %}{{ V }}{% endcall %}{{ caller() * K }}{% endmacro %}{% call m() %}{{ V }}{% endcall %}",
    "{% set a %}{{ S * K }}{% endset %}{% set a %}{{ a * K }}{% endset %}{% set a %}{{ a * K }}{% endset %}{{ a | length }}",
    "{% filter indent(N) %}{{ V }}{% endfilter %}{% filter replace('', S * K) %}{{ V * K }}{% endfilter %}",
    "{{ lipsum(N) }}{{ cycler(V) }}{{ dict(a=V * N) }}{{ debug() }}{{ V | pprint }}",
    "{% include 'chat' %}{% import 'chat' as c %}{% extends 'chat' %}",
];

/// What is repeated: before the repetition, the repeated, the middle, the repeated behind it, and the end.
const NESTING: [[&str; 5]; 46] = [
    ["{{ ", "not ", "V", "", " }}"],
    ["{{ ", "-", "1", "", " }}"],
    ["{{ ", "- ", "V", "", " }}"],
    ["{{ ", "(", "V", ")", " }}"],
    ["{{ ", "(", "", "", ""],
    ["{{ ", "[", "V", "]", " }}"],
    ["{{ ", "{1:", "V", "}", " }}"],
    ["{{ ", "V[", "0", "]", " }}"],
    ["{{ ", "range(", "1", ")", " }}"],
    ["{{ ", "V|default(", "1", ")", " }}"],
    ["{{ ", "not (", "V", ")", " }}"],
    ["{{ ", "1 if 1 else ", "V", "", " }}"],
    ["{{ ", "1 if (", "V", ")", " }}"],
    ["{{ ", "2 ** ", "1", "", " }}"],
    ["{{ V", "+1", "", "", " }}"],
    ["{{ V", "-1*1//1%1", "", "", " }}"],
    ["{{ V", "~V", "", "", " }}"],
    ["{{ 1", "**1", "", "", " }}"],
    ["{{ V", " and V", "", "", " }}"],
    ["{{ V", " or 0", "", "", " }}"],
    ["{{ V", " == V", "", "", " }}"],
    ["{{ 1", " < 2", "", "", " }}"],
    ["{{ V", " in V", "", "", " }}"],
    ["{{ V", " not in V", "", "", " }}"],
    ["{{ V", " is defined", "", "", " }}"],
    ["{{ V", " if V", "", "", " }}"],
    ["{{ V", "|upper", "", "", " }}"],
    ["{{ V", "|replace('o','oo')", "", "", " }}"],
    ["{{ V", ".a", "", "", " }}"],
    ["{{ V", "[0:]", "", "", " }}"],
    ["{{ V", "()", "", "", " }}"],
    ["{{ [", "V,", "", "", "] }}"],
    ["{{ {", "V:V,", "", "", "} }}"],
    ["{{ dict(", "a=V,", "", "", ") }}"],
    ["", "{% if V %}", "V", "{% endif %}", ""],
    ["{% if 0 %}", "{% elif V %}x", "", "", "{% endif %}"],
    ["", "{% if 0 %}{% else %}", "V", "{% endif %}", ""],
    ["", "{% for a in V %}", "V", "{% endfor %}", ""],
    ["", "{% with a=V %}", "V", "{% endwith %}", ""],
    ["", "{% filter upper %}", "V", "{% endfilter %}", ""],
    ["", "{% set a %}", "V", "{% endset %}", ""],
    ["", "{% autoescape true %}", "V", "{% endautoescape %}", ""],
    ["", "{% macro m() %}", "V", "{% endmacro %}", ""],
    ["{% macro m() %}{{ caller() }}{% endmacro %}", "{% call m() %}", "V", "{% endcall %}", ""],
    ["{% set a = V %}", "{% set a = [a, a] %}", "{{ a }}", "", ""],
    ["{% set a = V %}", "{% set a %}{{ a }}{{ a }}{% endset %}", "{{ a }}", "", ""],
];

fn growing(template: &str, variable: &str, dice: &mut Dice) -> String {
    let mut source = String::new();
    for word in template.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let name = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let filled = match name {
            "V" => variable.into(),
            "N" => dice.number(2, 15),
            "K" => dice.number(2, 6),
            "S" => format!("'{}'", "ab\\n".repeat(1 + dice.roll(20))),
            "O" => ["~", "+"][dice.roll(2)].into(),
            other => other.into(),
        };
        source.push_str(&filled);
        source.push_str(word.split_at(name.len()).1);
    }
    source
}

fn nesting([begin, open, middle, close, end]: [&str; 5], variable: &str, dice: &mut Dice) -> String {
    let most = LONGEST / (open.len() + close.len());
    let times = (1 << (4 + dice.roll(17))).min(most);
    let source = [begin, &open.repeat(times), middle, &close.repeat(times), end].concat();
    // Numbers go where texts don't, and the other way round.
    let variable = [variable, "1"][dice.roll(2)];
    let shorter = source.len() + variable.len() * times < LONGEST;
    source.replace('V', if shorter { variable } else { "1" })
}

/// SplitMix64: hostile enough, and the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// One of `0..sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % sides
    }

    /// A number of some digits.
    fn number(&mut self, from: usize, to: usize) -> String {
        let digits = from + self.roll(to + 1 - from);
        format!("{}{}", 1 + self.roll(9), "0".repeat(digits - 1))
    }
}
