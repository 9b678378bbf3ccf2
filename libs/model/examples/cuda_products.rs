//! Prints how long a GPU takes for the largest linear map of an 8B model by each strategy of the library, and how far each
//! is from the plainest: `cuda_products`. `src/backend/cuda.rs` chooses among them.

use std::error::Error;
use std::time::Instant;

use burn_cubecl::cubecl::cuda::CudaRuntime;
use burn_cubecl::kernel::matmul::utils::init_matmul_output;
use burn_cubecl::tensor::CubeTensor;
use burn_cuda::Cuda;
use burn_tensor::{Distribution, Tensor, TensorPrimitive};
use cubek::matmul::definition::{MatmulElems, MatmulGlobalElems};
use cubek::matmul::launch::{Strategy, launch_ref};
use cubek::matmul::routines::{
    BlueprintStrategy, TileSizeSelection, double_unit::DoubleUnitSelectionArgs,
    simple_unit::SimpleUnitSelectionArgs,
};
use cubek::std::InputBinding;

const INPUTS: usize = 4096;
const OUTPUTS: usize = 28_672;
const TIMES: usize = 5;

type Raw = CubeTensor<CudaRuntime>;

fn raw<const D: usize>(tensor: &Tensor<Cuda, D>) -> Raw {
    tensor.clone().into_primitive().tensor()
}

fn launch(strategy: &Strategy, x: &Raw, y: &Raw) -> Option<Tensor<Cuda, 3>> {
    let (kind, out) = (x.dtype, init_matmul_output(x, y, x.dtype));
    let kinds = MatmulGlobalElems { lhs: kind.into(), rhs: kind.into(), out: kind.into() };
    let input = |t: &Raw| InputBinding::new(t.clone().binding(), kind.into());
    let (x, y) = (input(x), input(y));
    let mut kinds = MatmulElems::from_globals(&kinds);
    launch_ref(strategy, &out.client, x, y, out.clone().binding(), &mut kinds).ok()?;
    Some(Tensor::from_primitive(TensorPrimitive::Float(out)))
}

/// Waits for what has been launched.
fn wait(out: &Tensor<Cuda, 3>) -> Result<(), Box<dyn Error>> {
    out.clone().slice([0..1, 0..1, 0..1]).try_into_data()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Default::default();
    let (small, large) = (TileSizeSelection::MinTileSize, TileSizeSelection::MaxTileSize);
    let simple =
        |tile_size| Strategy::SimpleUnit(BlueprintStrategy::Inferred(SimpleUnitSelectionArgs { tile_size }));
    let double =
        |tile_size| Strategy::DoubleUnit(BlueprintStrategy::Inferred(DoubleUnitSelectionArgs { tile_size }));
    let one_by_one = Strategy::GemvPlaneParallel(Default::default());
    let tiles = [
        simple(large),
        simple(small),
        double(large),
        double(small),
        Strategy::SimpleCyclicCmma(Default::default()),
        Strategy::SimpleCyclicMma(Default::default()),
        Strategy::DoubleCyclicCmma(Default::default()),
    ];
    let weight = Tensor::<Cuda, 2>::random([OUTPUTS, INPUTS], Distribution::Normal(0.0, 0.02), &device);
    let columns = weight.transpose().unsqueeze::<3>();
    for rows in [1, 8, 128] {
        let x = Tensor::<Cuda, 2>::random([rows, INPUTS], Distribution::Normal(0.0, 1.0), &device);
        let plain = launch(&Strategy::Naive, &raw(&x.clone().unsqueeze::<3>()), &raw(&columns))
            .ok_or("no plain one")?;
        for (strategy, x) in std::iter::once((&one_by_one, x.clone().reshape([rows, 1, INPUTS])))
            .chain(tiles.iter().map(|tile| (tile, x.clone().unsqueeze::<3>())))
        {
            let start = Instant::now();
            let Some(out) = launch(strategy, &raw(&x), &raw(&columns)) else {
                println!("rows {rows} {strategy} refused");
                continue;
            };
            wait(&out)?;
            let first = start.elapsed().as_secs_f64();
            let far = (out.reshape([1, rows, OUTPUTS]) - plain.clone()).abs().max().into_scalar();
            let start = Instant::now();
            for _ in 0..TIMES {
                launch(strategy, &raw(&x), &raw(&columns)).map(|out| wait(&out)).transpose()?;
            }
            let milliseconds = start.elapsed().as_secs_f64() * 1e3 / TIMES as f64;
            println!("rows {rows} {strategy} ms {milliseconds:.3} first_s {first:.2} difference {far:.1e}");
        }
    }
    Ok(())
}
