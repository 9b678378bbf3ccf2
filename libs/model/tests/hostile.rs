//! Checkpoints that are truncated, corrupt or of another kind: one clear sentence, and never a panic.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on fails"
)]

mod common;

use std::fs;
use std::path::Path;

use maily_model::{Device, Engine, LoadError, LoadOptions};
use proptest::prelude::*;

fn load(path: &Path) -> Result<Engine, LoadError> {
    Engine::load(path, &LoadOptions::default())
}

fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    fs::write(&path, bytes).unwrap();
    let message = match load(&path) {
        Ok(_) => panic!("it was accepted"),
        Err(error) => {
            assert!(error.is_permanent());
            error.to_string()
        }
    };
    message.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&message).to_owned()
}

fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat()
}

fn head(version: u32, tensors: u64, entries: u64) -> Vec<u8> {
    [&b"GGUF"[..], &version.to_le_bytes(), &tensors.to_le_bytes(), &entries.to_le_bytes()].concat()
}

fn entry(key: &str, code: u32, value: &[u8]) -> Vec<u8> {
    [&text(key)[..], &code.to_le_bytes(), value].concat()
}

#[test]
fn each_fault_has_its_sentence() {
    let array = |code: u32, count: u64| [&code.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let architecture = |name| [head(3, 0, 1), entry("general.architecture", 8, &text(name))].concat();
    let tensor = |dims: &[u64], kind: u32, offset: u64| {
        let dims = [
            &(dims.len() as u32).to_le_bytes()[..],
            &dims.iter().flat_map(|d| d.to_le_bytes()).collect::<Vec<_>>(),
        ];
        [&head(3, 1, 0)[..], &text("t"), &dims.concat(), &kind.to_le_bytes(), &offset.to_le_bytes()].concat()
    };
    let cases: [(Vec<u8>, &str); 17] = [
        (vec![], "this is not a GGUF file: it does not begin with `GGUF`"),
        (b"PK\x03\x04zip".to_vec(), "this is not a GGUF file: it does not begin with `GGUF`"),
        (b"GGUF\x03\x00".to_vec(), "the file ends in the middle of its header (byte 4)"),
        (head(1, 0, 0), "GGUF version 1 is not supported; supported: 2 and 3, little-endian"),
        (
            head(3, u64::MAX, 1),
            "18446744073709551615 tensors and 1 metadata entries are more than the 65536 allowed",
        ),
        (head(3, 0, 1), "the file ends in the middle of its header (byte 24)"),
        (
            [head(3, 0, 1), u64::MAX.to_le_bytes().to_vec()].concat(),
            "a text of 18446744073709551615 bytes is longer than the 4096 allowed",
        ),
        ([head(3, 0, 1), entry("k", 99, &[])].concat(), "metadata \"k\": metadata type 99 does not exist"),
        (
            [head(3, 0, 1), entry("k", 9, &array(8, 1 << 60))].concat(),
            "metadata \"k\": an array of 1152921504606846976 elements does not fit the file",
        ),
        (
            [head(3, 0, 1), entry("k", 9, &array(9, 1))].concat(),
            "metadata \"k\": an array of metadata type 9 is not possible",
        ),
        ([head(3, 0, 2), entry("k", 7, &[1]), entry("k", 7, &[1])].concat(), "metadata \"k\" is there twice"),
        (tensor(&[32, u64::MAX, 2], 0, 0), "tensor \"t\" is too large"),
        (tensor(&[31], 8, 0), "tensor \"t\" has an impossible size"),
        (tensor(&[32], 77, 0), "tensor \"t\" has the type 77, which this engine can't read"),
        (tensor(&[32], 0, 1 << 40), "the file is truncated: tensor \"t\" ends at byte 1099511627968 of 57"),
        (architecture("qwen2"), "architecture qwen2 is not supported yet; supported: llama"),
        (architecture("llama"), "metadata \"llama.embedding_length\" is missing"),
    ];
    for (bytes, sentence) in cases {
        assert_eq!(refusal(&bytes), sentence);
    }
}

#[test]
fn a_truncated_model_is_refused() {
    let whole = fs::read(common::model_path()).unwrap();
    for length in [100, 1 << 20, whole.len() / 2, whole.len() - 1] {
        let sentence = refusal(&whole[..length]);
        assert!(
            ["truncated", "ends in the middle", "does not fit the file"]
                .iter()
                .any(|part| sentence.contains(part)),
            "{length}: {sentence}"
        );
    }
}

#[test]
fn a_missing_model_is_named() {
    let error = load(Path::new("/nonexistent/model.gguf")).err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot read /nonexistent/model.gguf: No such file or directory (os error 2)"
    );
}

/// For want of the feature, of the driver, or of the thousandth GPU.
#[test]
fn a_device_that_is_not_there_is_named() {
    let options = LoadOptions { device: Device::Cuda(999), ..LoadOptions::default() };
    let error = Engine::load(&common::data("tiny"), &options).err().unwrap();
    assert!(matches!(error, LoadError::Device { .. }) && error.is_permanent(), "{error:?}");
    assert!(error.to_string().starts_with("cannot run on cuda:999: "), "{error}");
}

/// A copy of the tiny folder with one file changed.
fn altered(file: &str, change: impl Fn(&mut Vec<u8>)) -> Result<Engine, LoadError> {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(common::data("tiny")).unwrap() {
        let entry = entry.unwrap();
        let mut bytes = fs::read(entry.path()).unwrap();
        if entry.file_name() == file {
            change(&mut bytes);
        }
        fs::write(folder.path().join(entry.file_name()), bytes).unwrap();
    }
    load(folder.path())
}

#[test]
fn a_folder_with_a_fault_is_refused() {
    let replace = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            *bytes = String::from_utf8(bytes.clone()).unwrap().replace(from, to).into_bytes()
        }
    };
    let weights = "model-00002-of-00003.safetensors";
    let cases = [
        (
            altered("config.json", replace("\"llama\"", "\"deepseek_v3\"")),
            "architecture deepseek_v3 is not supported yet; supported: llama",
        ),
        (altered("config.json", replace("\"llama3\"", "\"yarn\"")), "rope scaling yarn is not supported yet"),
        (
            altered("config.json", replace("\"rope_type\"", "\"rope_kind\"")),
            "rope scaling without a type (factor) is not supported yet",
        ),
        (
            altered("config.json", replace("\"hidden_size\": 48", "\"hidden_size\": 64")),
            "the configuration says",
        ),
        (
            altered("config.json", replace("\"num_attention_heads\": 6", "\"num_attention_heads\": 0")),
            "the heads is 0",
        ),
        (
            altered("model.safetensors.index.json", replace("model-00001", "../model-00001")),
            "is not the name of a file in this folder",
        ),
        (altered("tokenizer.json", replace("ByteLevel", "Metaspace")), "tokenizer.json"),
        (altered("chat_template.jinja", replace("endfor", "endfro")), "the chat template is not Jinja"),
        (altered("chat_template.jinja", replace("strip()", "nosuch()")), "can't render a user's message"),
        (
            altered("chat_template.jinja", replace("m['content'].strip()", "''")),
            "leaves out what the user says",
        ),
        (
            altered(
                "config.json",
                replace("\"mlp_bias\"", "\"quantization_config\": {\"quant_method\": \"fp8\"}, \"mlp_bias\""),
            ),
            "quantisation by fp8 (quantization_config) is not supported yet",
        ),
        (
            altered("tokenizer.json", |bytes| {
                let mut json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
                json["pre_tokenizer"] = serde_json::Value::Null;
                *bytes = json.to_string().into_bytes();
            }),
            "it does not say how text is cut into words (pre_tokenizer)",
        ),
        (
            altered(weights, |b| swap(b, "self_attn.q_proj.weight", "self_attn.q_norm.weight")),
            "the tensor \"model.layers.1.self_attn.q_norm.weight\" is not supported yet",
        ),
        (
            altered("config.json", replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")),
            "the tensor \"model.layers.1.input_layernorm.weight\" is not supported yet",
        ),
        (
            altered(weights, |b| swap(b, "\"BF16\"", "\"I16\" ")),
            "which has numbers of type I16, is not supported yet",
        ),
        // The last two bytes are a number of the last weight.
        (
            altered(weights, |b| b.splice(b.len() - 2.., [0xc0, 0x7f]).for_each(drop)),
            "has a number that is infinite or none",
        ),
        (altered(weights, |b| b.truncate(b.len() - 1)), "the file is truncated"),
        (altered(weights, |b| b[7] = 0xff), "does not fit the file"),
        (altered(weights, |b| b[20] = b'}'), "bad header"),
    ];
    for (result, part) in cases {
        let sentence = result.err().unwrap().to_string();
        assert!(sentence.contains(part), "{sentence}");
    }
}

/// Puts one text in the place of another of the same length, wherever it is.
fn swap(bytes: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let at: Vec<_> =
        (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!at.is_empty(), "{from}");
    at.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to.as_bytes()));
}

#[test]
fn a_file_that_would_be_read_wrong_is_refused() {
    let refused = |from: &str, to: &str| {
        let mut bytes = small_gguf();
        swap(&mut bytes, from, to);
        try_load(&bytes).err().unwrap().to_string()
    };
    let unread = refused("blk.0.attn_output.weight", "blk.0.attn_q_norm.weight");
    assert!(unread.contains("the tensor \"blk.0.attn_q_norm.weight\" is not supported yet"), "{unread}");
    let unstated = refused("tokenizer.ggml.pre", "tokenizer.ggml.pro");
    assert!(unstated.contains("\"tokenizer.ggml.pre\" is missing"), "{unstated}");
    let untyped = refused("tokenizer.ggml.token_type", "tokenizer.ggml.token_kind");
    assert!(untyped.contains("\"tokenizer.ggml.token_type\" is missing"), "{untyped}");
    // One more entry of metadata, in front of the others.
    let added = |entry: Vec<u8>| {
        let mut bytes = small_gguf();
        let count = u64::from_le_bytes(bytes[16..24].try_into().unwrap()) + 1;
        bytes[16..24].copy_from_slice(&count.to_le_bytes());
        bytes.splice(24..24, entry);
        try_load(&[bytes, vec![0; 64]].concat()).map_err(|error| error.to_string())
    };
    let part = added(entry("split.count", 2, &3u16.to_le_bytes())).err().unwrap();
    assert!(part.contains("one file of 3 of a model that was split"), "{part}");
    for key in ["llama.rope.scaling.factor", "llama.rope.scale_linear"] {
        let scaled = added(entry(key, 6, &4f32.to_le_bytes())).err().unwrap();
        assert!(scaled.contains(&format!("rope scaling without a type ({key})")), "{scaled}");
        assert!(added(entry(key, 6, &1f32.to_le_bytes())).is_ok());
    }
    let mut extra = small_gguf();
    let tensors = u64::from_le_bytes(extra[8..16].try_into().unwrap()) + 1;
    extra[8..16].copy_from_slice(&tensors.to_le_bytes());
    let at = extra.windows(17).position(|window| window == b"token_embd.weight").unwrap() - 8;
    let bias = [
        text("blk.0.attn_q.bias"),
        1u32.to_le_bytes().to_vec(),
        32u64.to_le_bytes().to_vec(),
        8u32.to_le_bytes().to_vec(),
        0u64.to_le_bytes().to_vec(),
    ];
    extra.splice(at..at, bias.concat());
    let bias = try_load(&[extra, vec![0; 64]].concat()).err().unwrap().to_string();
    assert!(bias.contains("the tensor \"blk.0.attn_q.bias\" is not supported yet"), "{bias}");
}

#[test]
fn a_head_that_is_missing_must_be_tied() {
    let shard = "model-00003-of-00003.safetensors";
    let without_head = |bytes: &mut Vec<u8>| {
        let at = bytes.windows(14).position(|window| window == b"lm_head.weight").unwrap();
        bytes[at..at + 14].copy_from_slice(b"lm_hand.weight");
    };
    let sentence = altered(shard, without_head).err().unwrap().to_string();
    assert!(sentence.ends_with("the weight Head is missing, and config.json does not tie it"), "{sentence}");
    let tied = altered("config.json", |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true").into_bytes();
    });
    let (own, tied) = (load(&common::data("tiny")).unwrap(), tied.unwrap());
    assert!(tied.info().parameters < own.info().parameters, "the stored head is left out");
    assert_ne!(tied.logits(&[5, 6]).unwrap(), own.logits(&[5, 6]).unwrap());
}

/// The head of the real model, cut down to a vocabulary that loads quickly, is not at hand: a small GGUF file of our own.
fn small_gguf() -> Vec<u8> {
    let numbers = [
        ("llama.embedding_length", 32u32),
        ("llama.block_count", 1),
        ("llama.attention.head_count", 2),
        ("llama.feed_forward_length", 32),
        ("llama.context_length", 64),
        ("tokenizer.ggml.eos_token_id", 1),
    ];
    let tokens = ["a", "b", "ab", "c"];
    let list = |items: &[&str]| {
        let count = (items.len() as u64).to_le_bytes();
        [&8u32.to_le_bytes()[..], &count, &items.iter().flat_map(|i| text(i)).collect::<Vec<_>>()].concat()
    };
    let mut bytes = head(3, 11, numbers.len() as u64 + 7);
    bytes.extend(entry("general.architecture", 8, &text("llama")));
    numbers.iter().for_each(|(key, value)| bytes.extend(entry(key, 4, &value.to_le_bytes())));
    bytes.extend(entry("llama.attention.layer_norm_rms_epsilon", 6, &1e-5f32.to_le_bytes()));
    bytes.extend(entry("tokenizer.ggml.model", 8, &text("gpt2")));
    bytes.extend(entry("tokenizer.ggml.pre", 8, &text("gpt-2")));
    bytes.extend(entry("tokenizer.ggml.tokens", 9, &list(&tokens)));
    bytes.extend(entry("tokenizer.ggml.merges", 9, &list(&["a b"])));
    let types =
        [&5u32.to_le_bytes()[..], &4u64.to_le_bytes(), &1i32.to_le_bytes().repeat(tokens.len())].concat();
    bytes.extend(entry("tokenizer.ggml.token_type", 9, &types));
    let square = [32u64, 32];
    let mut tensors: Vec<(String, Vec<u64>)> =
        vec![("token_embd.weight".into(), vec![32, 4]), ("output_norm.weight".into(), vec![32])];
    for name in ["attn_norm", "ffn_norm"] {
        tensors.push((format!("blk.0.{name}.weight"), vec![32]));
    }
    for name in ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"] {
        tensors.push((format!("blk.0.{name}.weight"), square.to_vec()));
    }
    let mut offset = 0u64;
    for (name, dims) in &tensors {
        bytes.extend(text(name));
        bytes.extend((dims.len() as u32).to_le_bytes());
        dims.iter().for_each(|d| bytes.extend(d.to_le_bytes()));
        bytes.extend(8u32.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        offset += (dims.iter().product::<u64>() / 32 * 34).next_multiple_of(32);
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes.extend((0..offset).map(|i| (i * 7 % 50) as u8));
    bytes
}

fn try_load(bytes: &[u8]) -> Result<Engine, LoadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    fs::write(&path, bytes).unwrap();
    load(&path)
}

#[test]
fn the_small_file_is_sound() {
    let engine = try_load(&small_gguf()).unwrap();
    assert_eq!((engine.info().quantisation.as_str(), engine.info().vocabulary), ("Q8_0", 4));
    assert_eq!(engine.tokenizer().encode("abc", true), [2, 3]);
    assert!(engine.logits(&[0, 2, 3]).unwrap().iter().flatten().all(|l| l.is_finite()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Flipped bits, overwritten words and a new length: loaded or refused, never a panic, and never a huge allocation.
    #[test]
    fn corruption_never_panics(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 0..6),
        words in prop::collection::vec((0usize..1400, any::<u64>()), 0..2),
        length in any::<prop::sample::Index>(), cut in any::<bool>(),
    ) {
        let mut bytes = small_gguf();
        let header = 1400;
        for (at, bit) in flips {
            bytes[at.index(header)] ^= 1 << bit;
        }
        for (at, word) in words {
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        if let Err(error) = try_load(&bytes) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    /// The same for the folder's header of weights.
    #[test]
    fn a_corrupt_safetensors_header_never_panics(flips in prop::collection::vec((0usize..1500, 0u8..8), 1..4)) {
        let _ = altered("model-00003-of-00003.safetensors", |bytes| {
            flips.iter().for_each(|&(at, bit)| bytes[at] ^= 1 << bit);
        });
    }
}
