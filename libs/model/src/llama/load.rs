//! Reads a checkpoint's weights into the layout that the backend's kernels want, on all processors.

use crate::prelude::*;
use burn_tensor::TensorData;
use rayon::prelude::*;

use super::{Layer, Llama};
use crate::backend::{Kernels, Turns, Weight};
use crate::checkpoint::{Checkpoint, Config, Part, Stored};
use crate::error::LoadError;

impl<B: Kernels> Llama<B> {
    /// Reads the weights; `positions` is how many positions there will be at most.
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        positions: usize,
        device: &B::Device,
    ) -> Result<Self, LoadError> {
        let reader = Reader::<B> { checkpoint, device };
        let config = checkpoint.config.clone();
        Ok(Self {
            embedding: reader.weight(&[Part::Embedding])?,
            layers: (0..config.layers).map(|l| reader.layer(l)).collect::<Result<_, _>>()?,
            norm: reader.vector(Part::FinalNorm)?,
            head: checkpoint.get(Part::Head).map(|_| reader.weight(&[Part::Head])).transpose()?,
            turns: turns(&config, positions, device),
            device: device.clone(),
            config,
        })
    }
}

struct Reader<'a, B: Backend> {
    checkpoint: &'a Checkpoint,
    device: &'a B::Device,
}

impl<B: Kernels> Reader<'_, B> {
    fn layer(&self, l: usize) -> Result<Layer<B>, LoadError> {
        Ok(Layer {
            attention_norm: self.vector(Part::AttentionNorm(l))?,
            qkv: self.weight(&[Part::Query(l), Part::Key(l), Part::Value(l)])?,
            output: self.weight(&[Part::Output(l)])?,
            feed_forward_norm: self.vector(Part::FeedForwardNorm(l))?,
            gate_up: self.weight(&[Part::Gate(l), Part::Up(l)])?,
            down: self.weight(&[Part::Down(l)])?,
        })
    }

    fn vector(&self, part: Part) -> Result<Tensor<B, 1>, LoadError> {
        let stored = self.checkpoint.need(part)?;
        let mut numbers = vec![0.0; stored.info.columns];
        read(self.checkpoint, part, stored, 0, &mut numbers)?;
        let shape = [numbers.len()];
        Ok(Tensor::from_data(TensorData::new(numbers, shape), self.device))
    }

    /// One weight of the outputs of several.
    fn weight(&self, parts: &[Part]) -> Result<Weight<B>, LoadError> {
        let stored = |&part| Ok((part, self.checkpoint.need(part)?));
        let parts: Vec<_> = parts.iter().map(stored).collect::<Result<_, LoadError>>()?;
        let outputs = parts.iter().map(|(_, stored)| stored.info.rows).sum();
        let inputs = parts.first().map_or(0, |(_, stored)| stored.info.columns);
        let width = B::panel_width(outputs);
        let panels = outputs.div_ceil(width);
        let mut numbers = vec![0.0; panels * inputs * width];
        numbers
            .par_chunks_mut(inputs * width)
            .enumerate()
            .try_for_each_init(Vec::new, |rows, (panel, out)| {
                fill(self.checkpoint, &parts, panel * width, width, rows, out)
            })?;
        let numbers = TensorData::new(numbers, [panels, inputs, width]);
        // A device that keeps pools of memory gives a weight exactly what it needs, for good.
        let keep = |numbers| Tensor::from_data(numbers, self.device);
        Ok(Weight { panels: B::memory_persistent_allocations(self.device, numbers, keep), outputs })
    }
}

/// Reads rows; one number that is none would make every answer nonsense.
fn read(
    checkpoint: &Checkpoint,
    part: Part,
    stored: &Stored,
    first: usize,
    out: &mut [f32],
) -> Result<(), LoadError> {
    stored.read(first, out).map_err(|source| checkpoint.io(source))?;
    // Without a short cut, so that it is done many at a time.
    match out.iter().fold(true, |finite, number| finite & number.is_finite()) {
        true => Ok(()),
        false => {
            Err(checkpoint.invalid(format!("the weight {part:?} has a number that is infinite or none")))
        }
    }
}

/// Fills a panel with the outputs from `first` on.
fn fill(
    checkpoint: &Checkpoint,
    parts: &[(Part, &Stored)],
    first: usize,
    width: usize,
    rows: &mut Vec<f32>,
    out: &mut [f32],
) -> Result<(), LoadError> {
    let inputs = out.len() / width;
    rows.clear();
    rows.resize(out.len(), 0.0);
    let mut start = 0;
    for (part, stored) in parts {
        let (from, to) = (first.max(start), (first + width).min(start + stored.info.rows));
        if from < to {
            #[allow(clippy::indexing_slicing, reason = "first ≤ from < to ≤ first + width, of width rows")]
            let rows = &mut rows[(from - first) * inputs..(to - first) * inputs];
            read(checkpoint, *part, stored, from - start, rows)?;
        }
        start += stored.info.rows;
    }
    for (o, row) in rows.chunks_exact(inputs).enumerate() {
        out.iter_mut().skip(o).step_by(width).zip(row).for_each(|(out, &x)| *out = x);
    }
    Ok(())
}

/// The angles are rounded to `f32` before their cosine is taken, as the reference engines do.
fn turns<B: Backend>(config: &Config, positions: usize, device: &B::Device) -> Turns<B> {
    let angles = (0..positions).flat_map(|p| config.frequencies.iter().map(move |f| f64::from(p as f32 * f)));
    let (cos, sin): (Vec<f32>, Vec<f32>) = angles.map(|a| (a.cos() as f32, a.sin() as f32)).unzip();
    let table =
        |numbers| Tensor::from_data(TensorData::new(numbers, [positions, config.head_dim / 2]), device);
    Turns { cos: table(cos), sin: table(sin) }
}
