//! Answers that obey a JSON schema, by llguidance: before each draw, the tokens that can't go on are ruled out.

use std::sync::{Arc, OnceLock};

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};

use crate::api::Schema;
use crate::error::{Detail, EngineError};
use crate::tokenizer::Tokenizer;

/// The longest reason that is given, in characters.
const LONGEST_REASON: usize = 300;

/// What all constraints of one tokenizer share; made when the first is asked for.
#[derive(Default)]
pub(crate) struct Grammars(OnceLock<Result<ParserFactory, String>>);

/// The grammar of one candidate's answer.
#[derive(Clone)]
pub(super) struct Constraint(Matcher);

impl Grammars {
    /// Whether a schema means a constraint.
    pub(crate) fn check(&self, tokenizer: &Tokenizer, schema: &Schema) -> Result<(), EngineError> {
        self.constraint(tokenizer, schema).map(drop)
    }

    /// The constraint that a schema means.
    pub(super) fn constraint(
        &self,
        tokenizer: &Tokenizer,
        schema: &Schema,
    ) -> Result<Constraint, EngineError> {
        let refuse = |reason: String| EngineError::Schema(Detail(reason));
        let factory = self.0.get_or_init(|| factory(tokenizer)).as_ref().map_err(|e| refuse(e.clone()))?;
        let grammar = TopLevelGrammar::from_json_schema(with_options(schema.read()?));
        let matcher = Matcher::new(factory.create_parser(grammar));
        match matcher.get_error() {
            Some(reason) => Err(refuse(told(&reason))),
            None => Ok(Constraint(matcher)),
        }
    }
}

/// What the caller is told of a schema that can't be used. llguidance catches panics of its own and gives their text, with
/// a backtrace, as the reason: that is for nobody.
fn told(reason: &str) -> String {
    if reason.contains("panic: ") || reason.contains("<backtrace>") {
        return "it asks for something that can't be made a grammar, such as multiples of a tiny fraction"
            .into();
    }
    let line = reason.lines().next().unwrap_or_default();
    line.chars().take(LONGEST_REASON).collect()
}

/// Bounds the white space between values: a small model may otherwise write it for ever.
fn with_options(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("x-guidance".into(), json!({ "whitespace_pattern": r"[\x20\x0A]{1,16}" }));
    }
    schema
}

impl Constraint {
    /// Rules out the tokens that can't come next.
    pub(super) fn mask(&mut self, scores: &mut [f32]) -> Result<(), EngineError> {
        let allowed = self.0.compute_mask().map_err(|e| broken(&e))?;
        let mut left = false;
        for (bits, scores) in allowed.as_slice().iter().zip(scores.chunks_mut(32)) {
            for (bit, score) in scores.iter_mut().enumerate() {
                if bits >> bit & 1 == 0 {
                    *score = f32::NEG_INFINITY;
                } else {
                    left = true;
                }
            }
        }
        if left { Ok(()) } else { Err(EngineError::Constraint(Detail("no token can come next".into()))) }
    }

    /// Takes the token that was drawn.
    pub(super) fn accept(&mut self, token: u32) -> Result<(), EngineError> {
        self.0.consume_token(token).map_err(|e| broken(&e))
    }

    /// Whether the answer is complete and nothing can follow.
    pub(super) fn is_complete(&self) -> bool {
        self.0.is_stopped()
    }
}

fn broken(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Constraint(Detail(error.to_string()))
}

fn factory(tokenizer: &Tokenizer) -> Result<ParserFactory, String> {
    let environment: TokEnv = Arc::new(Environment { trie: trie(tokenizer)? });
    let mut factory = ParserFactory::new_simple(&environment).map_err(|e| e.to_string())?;
    factory.quiet();
    Ok(factory)
}

/// All tokens by their bytes; markers are set apart by a byte that no text has.
fn trie(tokenizer: &Tokenizer) -> Result<TokTrie, String> {
    let word = |id| {
        let bytes = tokenizer.bytes(id);
        if tokenizer.is_special(id) {
            [&[TokTrie::SPECIAL_TOKEN_MARKER], bytes].concat()
        } else {
            bytes.to_vec()
        }
    };
    let size = tokenizer.len() as u32;
    let words: Vec<_> = (0..size).map(word).collect();
    let eos = tokenizer.eos();
    let first = eos.first().ok_or("no token ends a text")?;
    Ok(TokTrie::from(&TokRxInfo::new(size, *first), &words).with_eos_tokens(eos))
}

struct Environment {
    trie: TokTrie,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.greedy_tokenize(bytes)
    }

    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}
