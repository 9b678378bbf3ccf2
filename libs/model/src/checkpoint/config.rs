//! The measures of a Llama model, read from either format and checked.

use serde::Deserialize;

use super::gguf::Head;

/// The measures of a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    /// How many tokens there are.
    pub(crate) vocabulary: usize,
    /// How wide the stream between layers is.
    pub(crate) hidden: usize,
    /// How many layers there are.
    pub(crate) layers: usize,
    /// How many queries look at once.
    pub(crate) heads: usize,
    /// How many keys and values they share.
    pub(crate) kv_heads: usize,
    /// How wide each is.
    pub(crate) head_dim: usize,
    /// How wide the feed-forward part is.
    pub(crate) feed_forward: usize,
    /// What keeps norms from dividing by zero.
    pub(crate) epsilon: f32,
    /// How many positions the model was made for.
    pub(crate) context: usize,
    /// By how much each pair of a head turns per position, in radians.
    pub(crate) frequencies: Vec<f32>,
}

/// What a configuration asks for that this engine lacks, or what is wrong with it.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    /// Not supported: what.
    Unsupported(String),
    /// Wrong: why.
    Invalid(String),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Invalid(reason)
    }
}

impl Config {
    /// Reads the metadata of a GGUF file whose embedding has `vocabulary` rows.
    pub(crate) fn from_gguf(head: &Head, vocabulary: usize, factors: Option<&[f32]>) -> Result<Self, Fault> {
        let architecture =
            head.text("general.architecture")?.ok_or_else(|| missing("general.architecture"))?;
        if architecture != "llama" {
            return Err(Fault::Unsupported(format!("architecture {architecture}")));
        }
        let number = |key: &str| head.integer(&format!("llama.{key}"));
        let need = |key: &str| number(key)?.ok_or_else(|| missing(&format!("llama.{key}")));
        refuse_variants(head)?;
        let (hidden, heads) = (need("embedding_length")?, need("attention.head_count")?);
        let head_dim = number("attention.key_length")?.unwrap_or(hidden / heads.max(1));
        if number("rope.dimension_count")?.is_some_and(|d| d != head_dim) {
            return Err(Fault::Unsupported("partial rotation (llama.rope.dimension_count)".into()));
        }
        let base = head.float("llama.rope.freq_base")?.unwrap_or(10_000.0);
        let epsilon = "llama.attention.layer_norm_rms_epsilon";
        let mut config = Self {
            vocabulary,
            hidden: size(hidden)?,
            layers: size(need("block_count")?)?,
            heads: size(heads)?,
            kv_heads: size(number("attention.head_count_kv")?.unwrap_or(heads))?,
            head_dim: size(head_dim)?,
            feed_forward: size(need("feed_forward_length")?)?,
            epsilon: head.float(epsilon)?.ok_or_else(|| missing(epsilon))?,
            context: size(need("context_length")?)?,
            frequencies: Vec::new(),
        };
        config.check()?;
        config.frequencies = frequencies(base, config.head_dim);
        config.slow_down(factors)?;
        Ok(config)
    }

    /// Reads `config.json` of a Hugging Face folder.
    pub(crate) fn from_hugging_face(json: &[u8]) -> Result<Self, Fault> {
        let kind: Kind = serde_json::from_slice(json).map_err(|e| format!("config.json: {e}"))?;
        if kind.model_type != "llama" {
            return Err(Fault::Unsupported(format!("architecture {}", kind.model_type)));
        }
        let raw: Raw = serde_json::from_slice(json).map_err(|e| format!("config.json: {e}"))?;
        if raw.attention_bias || raw.mlp_bias {
            return Err(Fault::Unsupported("a bias in attention or feed-forward".into()));
        }
        if !matches!(raw.hidden_act.as_deref(), None | Some("silu" | "swish")) {
            return Err(Fault::Unsupported(format!("activation {}", raw.hidden_act.unwrap_or_default())));
        }
        let rope = raw.rope_parameters.or(raw.rope_scaling).unwrap_or_default();
        let mut config = Self {
            vocabulary: raw.vocab_size,
            hidden: raw.hidden_size,
            layers: raw.num_hidden_layers,
            heads: raw.num_attention_heads,
            kv_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            head_dim: raw.head_dim.unwrap_or(raw.hidden_size / raw.num_attention_heads.max(1)),
            feed_forward: raw.intermediate_size,
            epsilon: raw.rms_norm_eps,
            context: raw.max_position_embeddings,
            frequencies: Vec::new(),
        };
        config.check()?;
        let base = rope.rope_theta.or(raw.rope_theta).unwrap_or(10_000.0);
        config.frequencies = frequencies(base, config.head_dim);
        rope.scale(&mut config.frequencies)?;
        Ok(config)
    }

    /// Divides the frequencies, as GGUF keeps Llama 3's scaling (`rope_freqs.weight`).
    fn slow_down(&mut self, factors: Option<&[f32]>) -> Result<(), Fault> {
        let Some(factors) = factors else { return Ok(()) };
        if factors.len() != self.head_dim / 2 || factors.iter().any(|f| !f.is_normal()) {
            return Err(Fault::Invalid("rope_freqs.weight does not fit the heads".into()));
        }
        self.frequencies.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= factor);
        Ok(())
    }

    /// Refuses measures that no Llama has, before anything is allocated by them.
    fn check(&self) -> Result<(), Fault> {
        let measures = [
            ("vocabulary", self.vocabulary, 1 << 20),
            ("hidden size", self.hidden, 1 << 16),
            ("layers", self.layers, 1 << 10),
            ("heads", self.heads, 1 << 10),
            ("key-value heads", self.kv_heads, 1 << 10),
            ("head size", self.head_dim, 1 << 10),
            ("feed-forward size", self.feed_forward, 1 << 18),
            ("context", self.context, 1 << 24),
        ];
        for (name, value, limit) in measures {
            if !(1..=limit).contains(&value) {
                return Err(Fault::Invalid(format!("the {name} is {value}, 1 to {limit} are possible")));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) || !self.head_dim.is_multiple_of(2) {
            return Err(Fault::Invalid("the numbers of heads, or their size, do not divide".into()));
        }
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            return Err(Fault::Invalid(format!("the norms' epsilon is {}", self.epsilon)));
        }
        Ok(())
    }
}

/// Refuses what passes for Llama in GGUF but is computed differently.
fn refuse_variants(head: &Head) -> Result<(), Fault> {
    if head.integer("llama.expert_count")?.unwrap_or(0) > 0 {
        return Err(Fault::Unsupported("a mixture of experts (llama.expert_count)".into()));
    }
    match head.text("llama.rope.scaling.type")? {
        Some("none") => Ok(()),
        Some(scaling) => Err(Fault::Unsupported(format!("rope scaling {scaling}"))),
        // llama.cpp scales linearly then (`llama_model::load_hparams`); the second is the key's older name.
        None => {
            for key in ["llama.rope.scaling.factor", "llama.rope.scale_linear"] {
                if head.float(key)?.is_some_and(|factor| factor != 0.0 && factor != 1.0) {
                    return Err(Fault::Unsupported(format!("rope scaling without a type ({key})")));
                }
            }
            Ok(())
        }
    }
}

fn missing(key: &str) -> String {
    format!("metadata {key:?} is missing")
}

fn size(value: u64) -> Result<usize, Fault> {
    usize::try_from(value).map_err(|_| Fault::Invalid(format!("a size of {value} is not possible")))
}

/// `base^(-2i / head_dim)`, rounded as the reference engines round it.
fn frequencies(base: f32, head_dim: usize) -> Vec<f32> {
    (0..head_dim / 2).map(|i| 1.0 / base.powf((2 * i) as f32 / head_dim as f32)).collect()
}

#[derive(Deserialize)]
struct Kind {
    model_type: String,
}

/// The keys of `config.json` that matter; the others are about training.
#[derive(Deserialize)]
struct Raw {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    rms_norm_eps: f32,
    max_position_embeddings: usize,
    rope_theta: Option<f32>,
    rope_scaling: Option<Rope>,
    rope_parameters: Option<Rope>,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

#[derive(Deserialize, Default)]
struct Rope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f32>,
    factor: Option<f32>,
    low_freq_factor: Option<f32>,
    high_freq_factor: Option<f32>,
    original_max_position_embeddings: Option<usize>,
}

impl Rope {
    /// Llama 3's scaling (transformers, `_compute_llama3_parameters`): slow pairs turn `factor` times slower, fast ones as
    /// before, those between in between.
    fn scale(&self, frequencies: &mut [f32]) -> Result<(), Fault> {
        match self.rope_type.as_deref() {
            Some("default") => return Ok(()),
            None if self.factor.is_some_and(|factor| factor != 1.0) => {
                return Err(Fault::Unsupported("rope scaling without a type (factor)".into()));
            }
            None => return Ok(()),
            Some("llama3") => {}
            Some(other) => return Err(Fault::Unsupported(format!("rope scaling {other}"))),
        }
        let (Some(factor), Some(low), Some(high), Some(context)) =
            (self.factor, self.low_freq_factor, self.high_freq_factor, self.original_max_position_embeddings)
        else {
            return Err(Fault::Invalid("rope scaling llama3 lacks a factor".into()));
        };
        let context = context as f32;
        for frequency in frequencies {
            let wave = 2.0 * std::f32::consts::PI / *frequency;
            if wave > context / low {
                *frequency /= factor;
            } else if wave >= context / high {
                let smooth = (context / wave - low) / (high - low);
                *frequency = (1.0 - smooth) * *frequency / factor + smooth * *frequency;
            }
        }
        Ok(())
    }
}
