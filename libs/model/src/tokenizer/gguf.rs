//! Builds the tokenizer from the metadata of a GGUF file.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer as Inner};

use super::Tokenizer;
use crate::checkpoint::{Fault, Head};

/// Llama 3's way to cut text into words (`tokenizer.json` of Llama 3; llama.cpp calls it `llama-bpe`).
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// `tokenizer.ggml.token_type` of a marker, and of a token that is matched before anything else.
const CONTROL: f64 = 3.0;
const USER_DEFINED: f64 = 4.0;

/// Builds the tokenizer that the metadata describes.
pub(crate) fn from_gguf(head: &Head) -> Result<Tokenizer, Fault> {
    let model = head
        .text("tokenizer.ggml.model")?
        .ok_or("metadata \"tokenizer.ggml.model\" is missing".to_owned())?;
    if model != "gpt2" {
        return Err(Fault::Unsupported(format!("tokenizer {model} (only gpt2 is)")));
    }
    // llama.cpp guesses here, and warns that what is written will be worse.
    let words = head.text("tokenizer.ggml.pre")?.ok_or(
        "metadata \"tokenizer.ggml.pre\" is missing: it does not say how text is cut into words".to_owned(),
    )?;
    let tokens = head.texts("tokenizer.ggml.tokens")?.ok_or("the tokenizer has no tokens".to_owned())?;
    let merges = head.texts("tokenizer.ggml.merges")?.ok_or("the tokenizer has no merges".to_owned())?;
    let mut inner = Inner::new(model_of(tokens, merges, words == "llama-bpe")?);
    inner.with_pre_tokenizer(Some(words_of(words)?));
    // Without it, markers would be cut into letters, and a text could not be told from them.
    let types = head.numbers("tokenizer.ggml.token_type")?.ok_or(
        "metadata \"tokenizer.ggml.token_type\" is missing: it does not say which tokens are markers"
            .to_owned(),
    )?;
    if types.len() != tokens.len() {
        return Err(Fault::Invalid(format!(
            "{} token types are not of {} tokens",
            types.len(),
            tokens.len()
        )));
    }
    mark_added(&mut inner, tokens, types)?;
    let id = |key: &str| -> Result<Option<u32>, String> {
        Ok(head.integer(key)?.and_then(|id| u32::try_from(id).ok()))
    };
    let eos: Vec<u32> = ["eos", "eot", "eom"]
        .iter()
        .filter_map(|name| id(&format!("tokenizer.ggml.{name}_token_id")).transpose())
        .collect::<Result<_, _>>()?;
    Ok(Tokenizer::new(inner, &eos)?)
}

fn model_of(tokens: &[String], merges: &[String], whole_words_first: bool) -> Result<BPE, String> {
    let mut vocabulary = Vocab::default();
    for (id, token) in tokens.iter().enumerate() {
        if vocabulary.insert(token.clone(), id as u32).is_some() {
            return Err(format!("token {id} is there twice"));
        }
    }
    // The builder panics on a merge that makes no token.
    let known = |part: &str| vocabulary.contains_key(part);
    let merges = merges
        .iter()
        .map(|merge| merge.split_once(' ').filter(|(a, b)| known(a) && known(b) && known(&[*a, *b].concat())))
        .map(|pair| pair.map(|(a, b)| (a.to_owned(), b.to_owned())))
        .collect::<Option<Vec<_>>>()
        .ok_or("a merge of the tokenizer does not make a token")?;
    BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .ignore_merges(whole_words_first)
        .build()
        .map_err(|e| format!("the tokenizer can't be built: {e}"))
}

/// How text is cut into words before the merges.
fn words_of(name: &str) -> Result<PreTokenizerWrapper, Fault> {
    let bytes = |regex| PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, regex));
    Ok(match name {
        "gpt-2" => bytes(true),
        "smollm" => PreTokenizerWrapper::Sequence(Sequence::new(vec![
            PreTokenizerWrapper::Digits(Digits::new(true)),
            bytes(true),
        ])),
        "llama-bpe" | "llama3" | "llama-v3" => {
            let split =
                Split::new(SplitPattern::Regex(LLAMA3.into()), SplitDelimiterBehavior::Isolated, false)
                    .map_err(|e| format!("the word pattern can't be built: {e}"))?;
            PreTokenizerWrapper::Sequence(Sequence::new(vec![
                PreTokenizerWrapper::Split(split),
                bytes(false),
            ]))
        }
        other => return Err(Fault::Unsupported(format!("the word pattern {other} of the tokenizer"))),
    })
}

fn mark_added(inner: &mut Inner, tokens: &[String], types: &[f64]) -> Result<(), String> {
    let added = |kind: f64, special| {
        let of_kind = tokens.iter().zip(types).filter(move |(_, t)| **t == kind);
        of_kind.map(move |(token, _)| AddedToken::from(token.clone(), special).normalized(false))
    };
    inner.add_special_tokens(added(CONTROL, true)).map_err(|e| e.to_string())?;
    inner.add_tokens(added(USER_DEFINED, false)).map_err(|e| e.to_string())?;
    Ok(())
}
