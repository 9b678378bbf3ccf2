//! Opens a GGUF file of the Llama architecture.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use super::config::Fault;
use super::gguf::Head;
use super::{ARCHITECTURES, Checkpoint, Config, Part, RowOrder, Stored, unread};
use crate::error::LoadError;
use crate::template::ChatTemplate;
use crate::tokenizer::{self, Tokenizer};

/// Llama 3's scaling of the rotation, by pair.
const ROPE_FACTORS: &str = "rope_freqs.weight";

/// Opens the file; its weights are read later.
pub(super) fn open(path: &Path) -> Result<Checkpoint, LoadError> {
    let io = |source| LoadError::Io { path: path.into(), source };
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let head =
        Head::read(BufReader::with_capacity(1 << 20, &file), size).map_err(|r| fault(path, r.into()))?;
    assemble(path, &head, Arc::new(file)).map_err(|f| fault(path, f))
}

fn fault(path: &Path, fault: Fault) -> LoadError {
    match fault {
        Fault::Invalid(reason) => LoadError::Invalid { path: path.into(), reason },
        Fault::Unsupported(what) => {
            LoadError::Unsupported { path: path.into(), what, supported: ARCHITECTURES }
        }
    }
}

fn assemble(path: &Path, head: &Head, file: Arc<File>) -> Result<Checkpoint, Fault> {
    // Written by `llama-gguf-split`.
    if let Some(parts @ 2..) = head.integer("split.count")? {
        return Err(Fault::Unsupported(format!(
            "one file of {parts} of a model that was split (`llama-gguf-split --merge` puts them together)"
        )));
    }
    let stored = |name: &str, order| {
        head.tensors.get(name).map(|info| Stored { file: Arc::clone(&file), info: info.clone(), order })
    };
    let factors = match stored(ROPE_FACTORS, RowOrder::Plain) {
        Some(tensor) if tensor.info.columns <= 1 << 10 && tensor.info.rows == 1 => {
            let mut factors = vec![0.0; tensor.info.columns];
            tensor.read(0, &mut factors).map_err(|e| format!("{ROPE_FACTORS}: {e}"))?;
            Some(factors)
        }
        Some(_) => return Err(Fault::Invalid(format!("{ROPE_FACTORS} does not fit the heads"))),
        None => None,
    };
    let vocabulary = head.tensors.get("token_embd.weight").map_or(0, |t| t.rows);
    let config = Config::from_gguf(head, vocabulary, factors.as_deref())?;
    let parts: HashMap<_, _> = Part::all(config.layers)
        .filter_map(|part| stored(&name(part), order(part, config.head_dim)).map(|s| (part, s)))
        .collect();
    let unread = unread(head.tensors.keys(), config.layers, name, |name| name == ROPE_FACTORS);
    if let Some(tensor) = unread {
        return Err(Fault::Unsupported(tensor));
    }
    let tokenizer = tokenizer::from_gguf(head)?;
    Ok(Checkpoint {
        path: path.into(),
        name: head.text("general.name")?.map_or_else(|| file_name(path), Into::into),
        template: template(head, &tokenizer)?,
        config,
        tokenizer,
        parts,
    })
}

/// The name of a file or folder, without its ending.
fn file_name(path: &Path) -> String {
    path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn template(head: &Head, tokenizer: &Tokenizer) -> Result<Option<ChatTemplate>, Fault> {
    let Some(source) = head.text("tokenizer.chat_template")? else { return Ok(None) };
    let marker = |key: &str| -> Result<String, String> {
        Ok(head.integer(key)?.and_then(|id| tokenizer.literal(id as u32)).unwrap_or_default())
    };
    let (bos, eos) = (marker("tokenizer.ggml.bos_token_id")?, marker("tokenizer.ggml.eos_token_id")?);
    Ok(Some(ChatTemplate::new(source, bos, eos)?))
}

/// What ggml calls a weight.
fn name(part: Part) -> String {
    let (layer, name) = match part {
        Part::Embedding => return "token_embd.weight".into(),
        Part::FinalNorm => return "output_norm.weight".into(),
        Part::Head => return "output.weight".into(),
        Part::AttentionNorm(layer) => (layer, "attn_norm"),
        Part::Query(layer) => (layer, "attn_q"),
        Part::Key(layer) => (layer, "attn_k"),
        Part::Value(layer) => (layer, "attn_v"),
        Part::Output(layer) => (layer, "attn_output"),
        Part::FeedForwardNorm(layer) => (layer, "ffn_norm"),
        Part::Gate(layer) => (layer, "ffn_gate"),
        Part::Up(layer) => (layer, "ffn_up"),
        Part::Down(layer) => (layer, "ffn_down"),
    };
    format!("blk.{layer}.{name}.weight")
}

fn order(part: Part, head_dim: usize) -> RowOrder {
    match part {
        Part::Query(_) | Part::Key(_) => RowOrder::Interleaved(head_dim),
        _ => RowOrder::Plain,
    }
}
