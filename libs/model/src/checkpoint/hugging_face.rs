//! Opens a Hugging Face folder of the Llama architecture: `config.json`, `tokenizer.json`, safetensors.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde::Deserialize;
use serde_json::Value;

use super::config::Fault;
use super::gguf::TensorInfo;
use super::quant::Kind;
use super::{ARCHITECTURES, Checkpoint, Config, Part, RowOrder, Stored, unread};
use crate::error::LoadError;
use crate::template::ChatTemplate;
use crate::tokenizer::{self, Tokenizer};

/// The largest JSON file that is read.
const MAX_JSON: u64 = 64 << 20;
/// The largest header of a safetensors file, as the format's own library has it.
const MAX_HEADER: u64 = 100_000_000;

type Result<T> = std::result::Result<T, LoadError>;

/// Opens the folder; its weights are read later.
pub(super) fn open(folder: &Path) -> Result<Checkpoint> {
    let config_path = folder.join("config.json");
    let json = read(&config_path)?;
    let config = Config::from_hugging_face(&json).map_err(|f| fault(&config_path, f))?;
    let special = Special::read(folder, &json)?;
    if let Some(method) = &special.quantised {
        let what = format!("quantisation by {method} (quantization_config)");
        return Err(fault(&config_path, Fault::Unsupported(what)));
    }
    let tokenizer_path = folder.join("tokenizer.json");
    let tokenizer =
        tokenizer::from_json(&read(&tokenizer_path)?, &special.eos).map_err(|f| fault(&tokenizer_path, f))?;
    let tensors = tensors(folder)?;
    let mut parts: HashMap<_, _> =
        Part::all(config.layers).filter_map(|p| tensors.get(&name(p)).map(|t| (p, t.clone()))).collect();
    if special.tied {
        // Whatever the file has of it, transformers puts the embedding in its place.
        parts.remove(&Part::Head);
    } else if !parts.contains_key(&Part::Head) {
        let reason = format!("the weight {:?} is missing, and config.json does not tie it", Part::Head);
        return Err(invalid(folder, reason));
    }
    if let Some(tensor) = unread(tensors.keys(), config.layers, name, is_buffer) {
        return Err(fault(folder, Fault::Unsupported(tensor)));
    }
    Ok(Checkpoint {
        path: folder.into(),
        name: folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        template: special.template(folder, &tokenizer)?,
        config,
        tokenizer,
        parts,
    })
}

fn fault(path: &Path, fault: Fault) -> LoadError {
    match fault {
        Fault::Invalid(reason) => invalid(path, reason),
        Fault::Unsupported(what) => {
            LoadError::Unsupported { path: path.into(), what, supported: ARCHITECTURES }
        }
    }
}

fn invalid(path: &Path, reason: impl Into<String>) -> LoadError {
    LoadError::Invalid { path: path.into(), reason: reason.into() }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| LoadError::Io { path: path.into(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_JSON + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_JSON {
        return Err(invalid(path, format!("the file is longer than {MAX_JSON} bytes")));
    }
    Ok(bytes)
}

/// Reads a file that may be absent.
fn read_optional(path: &Path) -> Result<Option<Vec<u8>>> {
    match read(path) {
        Err(LoadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn json(path: &Path, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|e| invalid(path, e.to_string()))
}

/// What the small files say about special tokens and the template.
struct Special {
    eos: Vec<u32>,
    /// The scores of tokens are made with their embedding.
    tied: bool,
    /// By which method the weights are packed.
    quantised: Option<String>,
    tokenizer_config: Value,
}

impl Special {
    fn read(folder: &Path, config: &[u8]) -> Result<Self> {
        let config_path = folder.join("config.json");
        let config = json(&config_path, config)?;
        let generation_path = folder.join("generation_config.json");
        let generation = read_optional(&generation_path)?.map(|b| json(&generation_path, &b)).transpose()?;
        let tokenizer_path = folder.join("tokenizer_config.json");
        let tokenizer_config =
            read_optional(&tokenizer_path)?.map(|b| json(&tokenizer_path, &b)).transpose()?;
        let tokenizer_config = tokenizer_config.unwrap_or_default();
        let eos = generation.as_ref().map_or(&Value::Null, |g| of(g, "eos_token_id"));
        let eos = ids(if eos.is_null() { of(&config, "eos_token_id") } else { eos });
        // As in transformers' LlamaConfig, not tied unless it says so.
        let tied = of(&config, "tie_word_embeddings").as_bool().unwrap_or(false);
        let quantised = match of(&config, "quantization_config") {
            Value::Null => None,
            how => Some(of(how, "quant_method").as_str().unwrap_or("an unnamed method").to_owned()),
        };
        Ok(Self { eos, tied, quantised, tokenizer_config })
    }

    /// `chat_template.jinja`, or what `tokenizer_config.json` has.
    fn template(&self, folder: &Path, tokenizer: &Tokenizer) -> Result<Option<ChatTemplate>> {
        let path = folder.join("chat_template.jinja");
        let own = of(&self.tokenizer_config, "chat_template");
        let source = match read_optional(&path)? {
            Some(bytes) => {
                Some(String::from_utf8(bytes).map_err(|_| invalid(&path, "the file is not UTF-8"))?)
            }
            None => own.as_str().or_else(|| named_default(own)).map(Into::into),
        };
        let Some(source) = source else { return Ok(None) };
        let eos = self.eos.first().and_then(|&id| tokenizer.literal(id));
        let bos = marker(of(&self.tokenizer_config, "bos_token")).unwrap_or_default();
        let eos = marker(of(&self.tokenizer_config, "eos_token")).or(eos).unwrap_or_default();
        ChatTemplate::new(&source, bos, eos).map(Some).map_err(|reason| invalid(&path, reason))
    }
}

/// A field, or null.
fn of<'a>(object: &'a Value, field: &str) -> &'a Value {
    object.get(field).unwrap_or(&Value::Null)
}

/// Old checkpoints have a list of named templates.
fn named_default(list: &Value) -> Option<&str> {
    list.as_array()?.iter().find(|t| *of(t, "name") == "default")?.get("template")?.as_str()
}

/// A token is a text, or an object with a text.
fn marker(value: &Value) -> Option<String> {
    value.as_str().or_else(|| of(value, "content").as_str()).map(Into::into)
}

/// One token number or a list of them.
fn ids(value: &Value) -> Vec<u32> {
    let id = |v: &Value| v.as_u64().and_then(|v| u32::try_from(v).ok());
    match value.as_array() {
        Some(list) => list.iter().filter_map(id).collect(),
        None => id(value).into_iter().collect(),
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

/// Every tensor of the folder: of `model.safetensors`, or of the shards that the index names.
fn tensors(folder: &Path) -> Result<HashMap<String, Stored>> {
    let index_path = folder.join("model.safetensors.index.json");
    let mut found = HashMap::new();
    let Some(bytes) = read_optional(&index_path)? else {
        shard(&folder.join("model.safetensors"), &mut found)?;
        return Ok(found);
    };
    let index: Index = serde_json::from_slice(&bytes).map_err(|e| invalid(&index_path, e.to_string()))?;
    let mut shards: Vec<&String> = index.weight_map.values().collect();
    shards.sort();
    shards.dedup();
    for name in shards {
        // A name that climbs out of the folder would read a stranger's file.
        if Path::new(name).components().count() != 1 || name.starts_with('.') {
            return Err(invalid(&index_path, format!("{name:?} is not the name of a file in this folder")));
        }
        shard(&folder.join(name), &mut found)?;
    }
    Ok(found)
}

/// Adds the tensors of one safetensors file.
fn shard(path: &PathBuf, found: &mut HashMap<String, Stored>) -> Result<()> {
    let io = |source| LoadError::Io { path: path.clone(), source };
    let mut file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let mut length = [0; 8];
    let truncated = || invalid(path, "the file is truncated");
    file.read_exact(&mut length).map_err(|_| truncated())?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER || length.saturating_add(8) > size {
        return Err(invalid(path, format!("a header of {length} bytes does not fit the file")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(|_| truncated())?;
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|e| invalid(path, format!("bad header: {e}")))?;
    if header.data_len() as u64 != size - 8 - length {
        return Err(truncated());
    }
    let file = Arc::new(file);
    for (name, info) in header.tensors() {
        if is_buffer(&name) {
            continue;
        }
        let info = place(info, 8 + length).map_err(|what| {
            fault(path, Fault::Unsupported(format!("the tensor {name:?}, which has {what},")))
        })?;
        found.insert(name, Stored { file: Arc::clone(&file), info, order: RowOrder::Plain });
    }
    Ok(())
}

/// What old checkpoints keep and transformers computes anew (`_keys_to_ignore_on_load_unexpected` of its Llama).
fn is_buffer(name: &str) -> bool {
    name.ends_with("rotary_emb.inv_freq")
}

/// A tensor of a type the engine reads, or what is not read of it.
fn place(info: &safetensors::tensor::TensorInfo, start: u64) -> std::result::Result<TensorInfo, String> {
    let kind = match info.dtype {
        Dtype::F32 => Kind::F32,
        Dtype::F16 => Kind::F16,
        Dtype::BF16 => Kind::Bf16,
        other => return Err(format!("numbers of type {other:?}")),
    };
    let (columns, rows) = match info.shape[..] {
        [columns] => (columns, 1),
        [rows, columns] => (columns, rows),
        _ => return Err(format!("{} dimensions", info.shape.len())),
    };
    let placed = TensorInfo { kind, columns, rows, offset: start + info.data_offsets.0 as u64 };
    (columns > 0 && rows > 0).then_some(placed).ok_or_else(|| "no numbers".to_owned())
}

/// What transformers calls a weight.
fn name(part: Part) -> String {
    let (layer, name) = match part {
        Part::Embedding => return "model.embed_tokens.weight".into(),
        Part::FinalNorm => return "model.norm.weight".into(),
        Part::Head => return "lm_head.weight".into(),
        Part::AttentionNorm(layer) => (layer, "input_layernorm"),
        Part::Query(layer) => (layer, "self_attn.q_proj"),
        Part::Key(layer) => (layer, "self_attn.k_proj"),
        Part::Value(layer) => (layer, "self_attn.v_proj"),
        Part::Output(layer) => (layer, "self_attn.o_proj"),
        Part::FeedForwardNorm(layer) => (layer, "post_attention_layernorm"),
        Part::Gate(layer) => (layer, "mlp.gate_proj"),
        Part::Up(layer) => (layer, "mlp.up_proj"),
        Part::Down(layer) => (layer, "mlp.down_proj"),
    };
    format!("model.layers.{layer}.{name}.weight")
}
