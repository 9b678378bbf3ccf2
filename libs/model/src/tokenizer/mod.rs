//! Text to tokens and back, as the checkpoint prescribes. Byte-level BPE, the kind that Llama 3, GPT-2 and SmolLM use.

mod bytes;
mod gguf;
mod stream;

use std::collections::HashSet;
use std::sync::OnceLock;

use tokenizers::Tokenizer as Inner;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::models::ModelWrapper;

pub(crate) use gguf::from_gguf;
pub use stream::StreamDecoder;

use bytes::ByteTable;

/// Turns text into tokens and back, as the checkpoint prescribes.
pub struct Tokenizer {
    inner: Inner,
    /// The same, taking special tokens' texts as plain text; made when first needed.
    plain: OnceLock<Inner>,
    table: ByteTable,
    special: HashSet<u32>,
    eos: Vec<u32>,
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
        let special = added.iter().filter(|(_, token)| token.special).map(|(&id, _)| id).collect();
        let eos: Vec<u32> = eos.iter().copied().filter(|&id| (id as usize) < size).collect();
        if eos.is_empty() {
            return Err("no token is named that ends a text".into());
        }
        Ok(Self { inner, plain: OnceLock::new(), table, special, eos })
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

    /// `text` without the names of special tokens, so that a message can't end its turn or begin another's.
    pub(crate) fn without_specials(&self, text: &str) -> String {
        let names: Vec<_> = self.special.iter().filter_map(|&id| self.literal(id)).collect();
        let mut text = text.to_owned();
        // Taking one name out may put another together.
        while let Some(name) = names.iter().find(|name| text.contains(name.as_str())) {
            text = text.replace(name.as_str(), "");
        }
        text
    }
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
