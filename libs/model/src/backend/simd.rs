//! Runs a computation with the widest vectors of this processor.
//!
//! The computations are written once, over [`Vector`] and plain loops, and compiled for each vector extension. Each
//! number comes from the same operations in the same order whatever the width, fused multiply-adds included, so that
//! results do not depend on the processor.

#![allow(
    clippy::indexing_slicing,
    reason = "a load and a store check the slice's length, which is what makes them sound"
)]

/// A few neighbouring numbers. All functions are inlined into a computation that [`run`] has chosen the vectors of.
pub(super) trait Vector: Copy {
    /// How many.
    const LANES: usize;
    /// The same number in each lane.
    fn splat(x: f32) -> Self;
    /// The first numbers of a slice, which must have as many.
    fn load(from: &[f32]) -> Self;
    /// Writes them to the first places of a slice, which must have as many.
    fn store(self, to: &mut [f32]);
    /// `self * b + sum`, rounded once.
    fn mul_add(self, b: Self, sum: Self) -> Self;
}

/// A computation over slices.
pub(super) trait Compute {
    /// What comes out.
    type Output;
    /// Computes it; a tile of `ROWS` times `WIDE` vectors fits the registers. Implementations are `#[inline(always)]`,
    /// so that they are compiled for the caller's extension.
    fn run<V: Vector, const ROWS: usize, const WIDE: usize>(self) -> Self::Output;
}

/// One number: for what is left over, and for processors without vectors that we know.
#[derive(Clone, Copy)]
pub(super) struct One(f32);

impl Vector for One {
    const LANES: usize = 1;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self(x)
    }

    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        Self(from[0])
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        to[0] = self.0;
    }

    #[inline(always)]
    fn mul_add(self, b: Self, sum: Self) -> Self {
        Self(self.0.mul_add(b.0, sum.0))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Compute, Vector};

    macro_rules! vector {
        ($name:ident, $inner:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $fma:ident) => {
            #[derive(Clone, Copy)]
            struct $name($inner);

            // SAFETY of all: the type is private to this module, which hands it only to computations that run after the
            // processor was found to have the instructions; the slices' lengths are checked.
            impl Vector for $name {
                const LANES: usize = $lanes;

                #[inline(always)]
                fn splat(x: f32) -> Self {
                    // SAFETY: as said above.
                    Self(unsafe { $splat(x) })
                }

                #[inline(always)]
                fn load(from: &[f32]) -> Self {
                    let from = &from[..$lanes];
                    // SAFETY: as said above.
                    Self(unsafe { $load(from.as_ptr()) })
                }

                #[inline(always)]
                fn store(self, to: &mut [f32]) {
                    let to = &mut to[..$lanes];
                    // SAFETY: as said above.
                    unsafe { $store(to.as_mut_ptr(), self.0) }
                }

                #[inline(always)]
                fn mul_add(self, b: Self, sum: Self) -> Self {
                    // SAFETY: as said above.
                    Self(unsafe { $fma(self.0, b.0, sum.0) })
                }
            }
        };
    }

    vector!(V16, __m512, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps);
    vector!(V8, __m256, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps);

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    fn avx512<C: Compute>(compute: C) -> C::Output {
        compute.run::<V16, 8, 2>()
    }

    #[target_feature(enable = "avx2,fma")]
    fn avx2<C: Compute>(compute: C) -> C::Output {
        compute.run::<V8, 4, 2>()
    }

    /// Runs it with vectors, or gives it back.
    pub(super) fn run<C: Compute>(compute: C) -> Result<C::Output, C> {
        let small = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        let wide = wide && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq");
        match (small, wide) {
            // SAFETY: the processor has the extensions, which is all that the function asks for.
            (true, true) => Ok(unsafe { avx512(compute) }),
            // SAFETY: as above.
            (true, false) => Ok(unsafe { avx2(compute) }),
            _ => Err(compute),
        }
    }

    #[cfg(test)]
    pub(super) fn run_avx2<C: Compute>(compute: C) -> Option<C::Output> {
        let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        // SAFETY: as above.
        has.then(|| unsafe { avx2(compute) })
    }
}

/// Runs it.
pub(super) fn run<C: Compute>(compute: C) -> C::Output {
    #[cfg(target_arch = "x86_64")]
    let compute = match x86::run(compute) {
        Ok(output) => return output,
        Err(compute) => compute,
    };
    compute.run::<One, 4, 1>()
}

#[cfg(test)]
mod tests {
    use super::super::math;
    use super::*;

    struct Everything<'a>(&'a [f32], &'a mut [f32]);

    impl Compute for Everything<'_> {
        type Output = ();

        #[inline(always)]
        fn run<V: Vector, const ROWS: usize, const WIDE: usize>(self) {
            for (x, out) in self.0.chunks_exact(V::LANES).zip(self.1.chunks_exact_mut(V::LANES)) {
                V::splat(1.1).mul_add(V::load(x), V::load(x)).store(out);
            }
            math::softmax(self.1, 0.7);
        }
    }

    /// The kernels against their plain version, bit for bit.
    #[test]
    fn every_extension_gives_the_same_bits() {
        let x: Vec<f32> = (0..1040).map(|i| (i as f32 * 0.37).sin() * 9.0).collect();
        let (mut plain, mut chosen) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        Everything(&x, &mut plain).run::<One, 4, 1>();
        run(Everything(&x, &mut chosen));
        assert_eq!(chosen, plain);
        #[cfg(target_arch = "x86_64")]
        if let Some(()) = x86::run_avx2(Everything(&x, &mut chosen)) {
            assert_eq!(chosen, plain);
        }
    }
}
