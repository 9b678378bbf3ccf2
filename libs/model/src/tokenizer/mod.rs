//! Text to tokens and back, as the checkpoint prescribes. Byte-level BPE, the kind that Llama 3, GPT-2 and SmolLM use.

mod bytes;
mod gguf;
mod names;
mod stream;

use std::collections::HashSet;
use std::sync::OnceLock;

use tokenizers::decoders::DecoderWrapper;
use tokenizers::models::ModelWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{NormalizedString, Normalizer as _, SplitDelimiterBehavior, Tokenizer as Inner};

pub(crate) use gguf::from_gguf;
pub use stream::StreamDecoder;

use bytes::ByteTable;
use names::Names;

/// Turns text into tokens and back, as the checkpoint prescribes.
pub struct Tokenizer {
    inner: Inner,
    /// The same, taking special tokens' texts as plain text; made when first needed.
    plain: OnceLock<Inner>,
    table: ByteTable,
    special: HashSet<u32>,
    names: Names,
    bound: Option<Bound>,
    eos: Vec<u32>,
}

/// What bounds the number of tokens from below, where a text is cut into the bytes of its tokens and nothing else.
struct Bound {
    /// The bytes of the longest token.
    longest: usize,
    /// The bytes that a vocabulary knows; others of a text are left out.
    kept: [bool; 256],
}

impl Tokenizer {
    /// Wraps a tokenizer whose tokens are byte-level.
    fn new(inner: Inner, eos: &[u32]) -> Result<Self, String> {
        let size = inner.get_vocab(true).values().max().map_or(0, |&last| last as usize + 1);
        if size == 0 || size > 1 << 20 {
            return Err(format!("a vocabulary of {size} tokens is not possible"));
        }
        let added = inner.get_added_tokens_decoder();
        let table = ByteTable::new(size as u32, |id| match added.get(&id) {
            Some(token) => Some((token.content.clone(), true)),
            None => inner.id_to_token(id).map(|text| (text, false)),
        });
        let special: HashSet<u32> =
            added.iter().filter(|(_, token)| token.special).map(|(&id, _)| id).collect();
        let names = Names::new(added.values().filter(|token| token.special).flat_map(|token| {
            // A text is compared as it is and in its normal form, and so are the names.
            [Some(token.content.clone()), normalized(&inner, &token.content)].into_iter().flatten()
        }));
        let bound =
            keeps_all(&inner).then(|| Bound { longest: table.longest().max(1), kept: table.single() });
        let eos: Vec<u32> = eos.iter().copied().filter(|&id| (id as usize) < size).collect();
        if eos.is_empty() {
            return Err("no token is named that ends a text".into());
        }
        Ok(Self { inner, plain: OnceLock::new(), table, special, names, bound, eos })
    }

    /// The tokens of `text`. With `specials`, markers such as `<|im_start|>` written in the text become their special
    /// tokens; without, they are plain text. Nothing is added before or after.
    pub fn encode(&self, text: &str, specials: bool) -> Vec<u32> {
        let tokenizer = if specials { &self.inner } else { self.plain.get_or_init(|| plain(&self.inner)) };
        // Byte-level BPE knows every byte, so nothing can fail; an empty prompt is refused later.
        tokenizer.encode_fast(text, false).map(|e| e.get_ids().to_vec()).unwrap_or_default()
    }

    /// The text of `tokens`, without special tokens; broken UTF-8 becomes U+FFFD.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut stream = self.stream();
        let mut text: String = tokens.iter().map(|&token| stream.push(token)).collect();
        text.push_str(&stream.finish());
        text
    }

    /// A decoder that takes one token at a time.
    pub fn stream(&self) -> StreamDecoder<'_> {
        StreamDecoder::new(self)
    }

    /// The tokens that end an answer; at least one.
    pub fn eos(&self) -> &[u32] {
        &self.eos
    }

    /// How many tokens there are.
    #[allow(clippy::len_without_is_empty, reason = "a tokenizer is never empty")]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether the token is a marker rather than text.
    pub fn is_special(&self, token: u32) -> bool {
        self.special.contains(&token)
    }

    /// The bytes that the token stands for; a marker stands for its own name.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        self.table.get(token)
    }

    /// The token's bytes as text, where they are text.
    pub(crate) fn literal(&self, token: u32) -> Option<String> {
        std::str::from_utf8(self.bytes(token)).ok().filter(|t| !t.is_empty()).map(Into::into)
    }

    /// Whether the text has the name of a special token in it, which [`Self::encode`] may take for that token.
    pub fn names_special(&self, text: &str) -> bool {
        let normal = normalized(&self.inner, text);
        self.names.are_in(text) || normal.is_some_and(|text| self.names.are_in(&text))
    }

    /// So many tokens [`Self::encode`] makes of the text at least, known without cutting it.
    pub fn fewest(&self, text: &str) -> usize {
        let Some(Bound { longest, kept }) = &self.bound else { return 0 };
        text.bytes().filter(|byte| kept.get(usize::from(*byte)) == Some(&true)).count().div_ceil(*longest)
    }

    /// `text` without the names of special tokens, so that a message can't end its turn or begin another's.
    pub(crate) fn without_specials(&self, text: &str) -> String {
        self.names.taken_out(text)
    }
}

/// Whether each byte of a text comes to stand in a token, but for those that the vocabulary doesn't know.
fn keeps_all(tokenizer: &Inner) -> bool {
    let empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
    let plain_words = match tokenizer.get_model() {
        ModelWrapper::BPE(bpe) => empty(&bpe.continuing_subword_prefix) && empty(&bpe.end_of_word_suffix),
        _ => false,
    };
    let added = tokenizer.get_added_tokens_decoder();
    plain_words
        && tokenizer.get_normalizer().is_none()
        && tokenizer.get_truncation().is_none()
        && tokenizer.get_pre_tokenizer().is_some_and(only_cuts)
        && added.values().all(|token| !token.lstrip && !token.rstrip)
}

/// Whether a text's words are all of it.
fn only_cuts(words: &PreTokenizerWrapper) -> bool {
    match words {
        PreTokenizerWrapper::ByteLevel(_) | PreTokenizerWrapper::Digits(_) => true,
        PreTokenizerWrapper::Split(split) => split.behavior != SplitDelimiterBehavior::Removed,
        PreTokenizerWrapper::Sequence(all) => all.as_ref().iter().all(only_cuts),
        _ => false,
    }
}

/// The text as the tokenizer's normalizer makes it; none if it has none.
fn normalized(tokenizer: &Inner, text: &str) -> Option<String> {
    let mut normal = NormalizedString::from(text);
    // It fails for no text; one that did would be encoded to nothing, and refused for that.
    tokenizer.get_normalizer()?.normalize(&mut normal).ok()?;
    Some(normal.get().to_owned())
}

fn plain(tokenizer: &Inner) -> Inner {
    let mut plain = tokenizer.clone();
    plain.set_encode_special_tokens(true);
    plain
}

/// Reads `tokenizer.json`.
pub(crate) fn from_json(json: &[u8], eos: &[u32]) -> Result<Tokenizer, crate::checkpoint::Fault> {
    use crate::checkpoint::Fault;
    // The library panics on some merges that make no token.
    let inner = std::panic::catch_unwind(|| Inner::from_bytes(json))
        .map_err(|_| Fault::Invalid("not a tokenizer: its merges do not fit its vocabulary".into()))?
        .map_err(|e| Fault::Invalid(format!("not a tokenizer: {e}")))?;
    if !matches!(inner.get_model(), ModelWrapper::BPE(_)) {
        return Err(Fault::Unsupported("a tokenizer that is not byte-level BPE".into()));
    }
    if inner.get_pre_tokenizer().is_none() {
        return Err(Fault::Invalid("it does not say how text is cut into words (pre_tokenizer)".into()));
    }
    let byte_level = match inner.get_decoder() {
        Some(DecoderWrapper::ByteLevel(_)) => true,
        Some(DecoderWrapper::Sequence(all)) => matches!(all.get_decoders(), [DecoderWrapper::ByteLevel(_)]),
        _ => false,
    };
    if !byte_level {
        return Err(Fault::Unsupported("a tokenizer that is not byte-level BPE".into()));
    }
    Ok(Tokenizer::new(inner, eos)?)
}
