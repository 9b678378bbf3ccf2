//! The matrix product that everything else is made of.
//!
//! Every output is one chain of fused multiply-adds over the inputs in their order. So it is the same whatever rows,
//! columns, tiles or threads it is computed with: what makes a candidate's text independent of the batch it is in.

#![allow(
    clippy::indexing_slicing,
    reason = "a kernel: tiles lie within the rows and columns that the loops count to"
)]

use rayon::prelude::*;

use super::simd::{self, Compute, One, Vector};

/// How many outputs lie beside each other in a panel of weights.
pub(super) const PANEL: usize = 32;
/// Products smaller than this many multiply-adds are not worth a second thread.
const PARALLEL: usize = 1 << 17;

/// A matrix within a slice: row `i` begins at `i * stride`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) stride: usize,
}

impl<'a> Matrix<'a> {
    #[inline(always)]
    fn row(&self, row: usize, from: usize, length: usize) -> &'a [f32] {
        &self.data[row * self.stride + from..][..length]
    }
}

/// `out[i][j] = (add ? out[i][j] : 0) + Σ a[i][k] b[k][j]`, for as many rows as `out` has, over `depth` inputs.
pub(super) struct Product<'a, 'o> {
    pub(super) a: Matrix<'a>,
    pub(super) b: Matrix<'a>,
    pub(super) depth: usize,
    pub(super) out: &'o mut [&'a mut [f32]],
    pub(super) add: bool,
}

impl Compute for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize, const WIDE: usize>(mut self) {
        let columns = self.out.first().map_or(0, |row| row.len());
        let mut column = 0;
        while column + WIDE * V::LANES <= columns {
            self.columns::<V, ROWS, WIDE>(column);
            column += WIDE * V::LANES;
        }
        while column + V::LANES <= columns {
            self.columns::<V, ROWS, 1>(column);
            column += V::LANES;
        }
        while column < columns {
            self.columns::<One, ROWS, 1>(column);
            column += 1;
        }
    }
}

impl Product<'_, '_> {
    /// All rows of `WIDE` vectors of columns.
    #[inline(always)]
    fn columns<V: Vector, const ROWS: usize, const WIDE: usize>(&mut self, column: usize) {
        let rows = self.out.len();
        let mut row = 0;
        while row + ROWS <= rows {
            self.tile::<V, ROWS, WIDE>(row, column);
            row += ROWS;
        }
        match rows - row {
            0 => {}
            1 => self.tile::<V, 1, WIDE>(row, column),
            2 => self.tile::<V, 2, WIDE>(row, column),
            3 => self.tile::<V, 3, WIDE>(row, column),
            4 => self.tile::<V, 4, WIDE>(row, column),
            5 => self.tile::<V, 5, WIDE>(row, column),
            6 => self.tile::<V, 6, WIDE>(row, column),
            _ => self.tile::<V, 7, WIDE>(row, column),
        }
    }

    /// `M` rows of `WIDE` vectors of columns, in registers.
    #[inline(always)]
    fn tile<V: Vector, const M: usize, const WIDE: usize>(&mut self, row: usize, column: usize) {
        // Plain loops: closures may be compiled for themselves, without the caller's vector extension.
        let mut a: [&[f32]; M] = [&[]; M];
        for (i, a) in a.iter_mut().enumerate() {
            *a = self.a.row(row + i, 0, self.depth);
        }
        let mut sums = [[V::splat(0.0); WIDE]; M];
        if self.add {
            for (sums, out) in sums.iter_mut().zip(&self.out[row..]) {
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(&out[column + j * V::LANES..]);
                }
            }
        }
        #[allow(clippy::needless_range_loop, reason = "k is an index into every row at once")]
        for k in 0..self.depth {
            let from = self.b.row(k, column, WIDE * V::LANES);
            let mut b = [V::splat(0.0); WIDE];
            for j in 0..WIDE {
                b[j] = V::load(&from[j * V::LANES..]);
            }
            for i in 0..M {
                let x = V::splat(a[i][k]);
                for j in 0..WIDE {
                    sums[i][j] = x.mul_add(b[j], sums[i][j]);
                }
            }
        }
        for (sums, out) in sums.iter().zip(&mut self.out[row..]) {
            for (j, sum) in sums.iter().enumerate() {
                sum.store(&mut out[column + j * V::LANES..]);
            }
        }
    }
}

/// `x · weight` for `rows` rows, where the weight is cut into panels: `[panels, inputs, PANEL]`.
pub(super) fn linear(x: &[f32], rows: usize, panels: &[f32], outputs: usize) -> Vec<f32> {
    let inputs = x.len() / rows;
    let mut out = vec![0.0; rows * outputs];
    let count = outputs.div_ceil(PANEL);
    let work = rows * inputs * outputs;
    // More tasks than threads, so that a thread that is held up does not hold up the others.
    let tasks = if work < PARALLEL { 1 } else { (rayon::current_num_threads() * 4).min(count) };
    let share = count.div_ceil(tasks) * PANEL;
    let mut pieces: Vec<Vec<&mut [f32]>> = Vec::new();
    pieces.resize_with(outputs.div_ceil(share), || Vec::with_capacity(rows));
    for row in out.chunks_exact_mut(outputs) {
        pieces.iter_mut().zip(row.chunks_mut(share)).for_each(|(piece, part)| piece.push(part));
    }
    let a = Matrix { data: x, stride: inputs };
    let panels = panels.chunks(inputs * share);
    let run =
        |(piece, panels): (Vec<&mut [f32]>, &[f32])| simd::run(Panels { a, panels, inputs, out: piece });
    if tasks == 1 {
        pieces.into_iter().zip(panels).for_each(run);
    } else {
        pieces.into_iter().zip(panels).collect::<Vec<_>>().into_par_iter().for_each(run);
    }
    out
}

/// The product with neighbouring panels.
struct Panels<'a> {
    a: Matrix<'a>,
    panels: &'a [f32],
    inputs: usize,
    out: Vec<&'a mut [f32]>,
}

impl Compute for Panels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize, const WIDE: usize>(self) {
        let mut rest = self.out;
        for panel in self.panels.chunks_exact(self.inputs * PANEL) {
            let (mut now, mut later) = (Vec::with_capacity(rest.len()), Vec::with_capacity(rest.len()));
            for row in rest {
                let (a, b) = row.split_at_mut(PANEL.min(row.len()));
                now.push(a);
                later.push(b);
            }
            let b = Matrix { data: panel, stride: PANEL };
            let product = Product { a: self.a, b, depth: self.inputs, out: &mut now, add: false };
            product.run::<V, ROWS, WIDE>();
            rest = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn panels(weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
        let mut panels = vec![0.0; outputs.div_ceil(PANEL) * inputs * PANEL];
        for (o, row) in weight.chunks_exact(inputs).enumerate() {
            for (i, &w) in row.iter().enumerate() {
                panels[(o / PANEL * inputs + i) * PANEL + o % PANEL] = w;
            }
        }
        panels
    }

    /// The definition, and at once the order of operations that every tile must keep.
    fn reference(x: &[f32], weight: &[f32], inputs: usize) -> Vec<f32> {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0f32, |sum, (a, b)| a.mul_add(*b, sum));
        x.chunks_exact(inputs).flat_map(|x| weight.chunks_exact(inputs).map(move |w| dot(x, w))).collect()
    }

    #[test]
    fn every_size_gives_the_definition_bit_for_bit() {
        for (rows, inputs, outputs) in [
            (1, 7, 1),
            (1, 576, 960),
            (3, 5, 33),
            (8, 64, 64),
            (13, 48, 112),
            (64, 576, 200),
            (17, 300, 4097),
        ] {
            let (x, weight) = (numbers(rows * inputs, 1), numbers(inputs * outputs, 2));
            let is = linear(&x, rows, &panels(&weight, inputs, outputs), outputs);
            let should = reference(&x, &weight, inputs);
            assert!(
                is.iter().zip(&should).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{rows} {inputs} {outputs}"
            );
        }
    }

    /// What keeps candidates independent of each other.
    #[test]
    fn a_row_does_not_depend_on_the_rows_beside_it() {
        let (inputs, outputs) = (129, 700);
        let (x, weight) = (numbers(23 * inputs, 3), panels(&numbers(inputs * outputs, 4), inputs, outputs));
        let together = linear(&x, 23, &weight, outputs);
        for (x, row) in x.chunks_exact(inputs).zip(together.chunks_exact(outputs)) {
            assert_eq!(linear(x, 1, &weight, outputs), row);
        }
    }

    #[test]
    fn adding_goes_on_where_the_sum_was() {
        let (a, b) = (numbers(3 * 10, 5), numbers(10 * 24, 6));
        let run = |a: &[f32], b: &[f32], depth, out: &mut Vec<f32>, add| {
            let mut rows: Vec<&mut [f32]> = out.chunks_exact_mut(24).collect();
            let (a, b) = (Matrix { data: a, stride: 10 }, Matrix { data: b, stride: 24 });
            simd::run(Product { a, b, depth, out: &mut rows, add });
        };
        let (mut whole, mut parts) = (vec![0.0; 72], vec![f32::NAN; 72]);
        run(&a, &b, 10, &mut whole, false);
        run(&a, &b, 4, &mut parts, false);
        run(&a[4..], &b[4 * 24..], 6, &mut parts, true);
        assert_eq!(whole, parts);
    }
}
