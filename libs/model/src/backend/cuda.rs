//! The operations on burn's CUDA backend: those of [`super::batched`], with kernels chosen by us.
//!
//! burn would choose by timing candidates whenever it meets a new shape (`autotune`), so that a service's first requests
//! wait and the last bits depend on how a race ended; or else take a kernel for tensor cores. Both may round factors to
//! TF32, ten bits of mantissa. Ours are of one kind for each kind of operation and compute in `f32`. burn's fusion is not
//! used either: it hides the tensors that choosing takes.
//!
//! Few rows are multiplied one by one, each with the whole weight; many rows are multiplied in tiles, which sum in another
//! order. So a row is the same **up to the rounding of sums** only, when the number of candidates, the length of the prompt
//! or what is cached of it differs.

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::prelude::*;
use burn_cubecl::cubecl::cuda::CudaRuntime;
use burn_cubecl::kernel::matmul::utils::init_matmul_output;
use burn_cubecl::kernel::reduce::{KernelReduceStrategy, reduce_dim};
use burn_cubecl::tensor::CubeTensor;
use burn_cuda::Cuda;
use burn_cuda::CudaDevice;
use burn_tensor::TensorPrimitive;
use cubek::matmul::definition::{MatmulElems, MatmulGlobalElems};
use cubek::matmul::launch::{Strategy, launch_ref};
use cubek::reduce::ReduceStrategy;
use cubek::reduce::components::instructions::ReduceOperationConfig;
use cubek::reduce::launch::{RoutineStrategy, VectorizationStrategy};
use cubek::reduce::routines::{BlueprintStrategy, plane::PlaneStrategy};
use cubek::std::InputBinding;

use super::batched::Steps;
use crate::device::Device;
use crate::error::LoadError;

/// So many rows are still multiplied one by one.
const FEW: usize = 16;

type Raw = CubeTensor<CudaRuntime>;

/// The GPU, once it has computed something.
///
/// # Errors
/// The driver, the GPU or NVRTC is missing or refuses.
pub(crate) fn open(index: usize) -> Result<CudaDevice, LoadError> {
    let fault = |reason: String| LoadError::Device { device: Device::Cuda(index), reason };
    let count = quietly(cudarc::driver::CudaContext::device_count)
        .ok_or_else(|| fault("NVIDIA's driver (libcuda.so) is not to be found".into()))?
        .map_err(|e| fault(format!("NVIDIA's driver finds no GPU: {e}")))?;
    if index >= usize::try_from(count).unwrap_or(0) {
        return Err(fault(format!("there are {count} GPUs, counted from 0")));
    }
    let device = CudaDevice::new(index);
    match quietly(|| one_and_one(&device)) {
        Some(Ok(sum)) if sum == [2.0] => Ok(device),
        Some(Ok(sum)) => Err(fault(format!("it says that 1 + 1 is {sum:?}"))),
        Some(Err(reason)) => Err(fault(reason)),
        None => {
            Err(fault("NVRTC (libnvrtc.so), CUDA's headers ($CUDA_PATH/include) or memory is missing".into()))
        }
    }
}

/// What `f` answers, or `None` if it panics: the crates below do where a library is missing, and have no other way to
/// ask that is safe. Our caller says so in a sentence, so this thread's panic is not reported besides.
fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    // One at a time, so that each puts back what it found.
    static HOOK: Mutex<()> = Mutex::new(());
    let _turn = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let (own, before) = (thread::current().id(), Arc::new(panic::take_hook()));
    let others = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() != own {
            others(info);
        }
    }));
    let answer = catch_unwind(AssertUnwindSafe(f)).ok();
    panic::set_hook(Box::new(move |info| before(info)));
    answer
}

/// A sum computed by a kernel, for which everything that kernels need is needed.
fn one_and_one(device: &CudaDevice) -> Result<Vec<f32>, String> {
    let one = Tensor::<Cuda, 1>::from_data([1f32], device);
    let data = (one.clone() + one).try_into_data().map_err(|e| e.to_string())?;
    data.into_vec().map_err(|e| format!("{e:?}"))
}

fn raw<const D: usize>(tensor: Tensor<Cuda, D>) -> Raw {
    tensor.into_primitive().tensor()
}

fn wrap<const D: usize>(raw: Raw) -> Tensor<Cuda, D> {
    Tensor::from_primitive(TensorPrimitive::Float(raw))
}

/// The product by the first strategy that knows the shapes.
fn product(x: Raw, y: Raw, strategies: &[Strategy]) -> Option<Raw> {
    let kind = x.dtype;
    let out = init_matmul_output(&x, &y, kind);
    let kinds = MatmulGlobalElems { lhs: kind.into(), rhs: kind.into(), out: kind.into() };
    let launched = |strategy: &Strategy| {
        let input = |t: &Raw| InputBinding::new(t.clone().binding(), kind.into());
        let mut kinds = MatmulElems::from_globals(&kinds);
        launch_ref(strategy, &out.client, input(&x), input(&y), out.clone().binding(), &mut kinds).is_ok()
    };
    strategies.iter().any(launched).then_some(out)
}

/// One plane of threads reduces one row, so that rows don't depend on each other.
fn reduce<const D: usize>(x: Tensor<Cuda, D>, operation: ReduceOperationConfig) -> Option<Tensor<Cuda, D>> {
    let routine = RoutineStrategy::Plane(BlueprintStrategy::Inferred(PlaneStrategy { independent: true }));
    let vectorization = VectorizationStrategy { parallel_output_vectorization: false };
    let strategy = KernelReduceStrategy::Specific(ReduceStrategy { routine, vectorization });
    reduce_dim(raw(x), None, D - 1, strategy, operation).ok().map(wrap)
}

impl Steps for Cuda {
    fn product<const D: usize>(x: Tensor<Self, D>, y: Tensor<Self, D>) -> Tensor<Self, D> {
        let strategies = [Strategy::SimpleUnit(Default::default()), Strategy::Naive];
        match product(raw(x.clone()), raw(y.clone()), &strategies) {
            Some(out) => wrap(out),
            None => x.matmul(y),
        }
    }

    fn map(x: Tensor<Self, 2>, weight: Tensor<Self, 2>) -> Tensor<Self, 2> {
        let ([rows, inputs], outputs) = (x.dims(), weight.dims()[0]);
        let columns = weight.transpose();
        if rows <= FEW {
            let one_by_one = [Strategy::GemvPlaneParallel(Default::default())];
            let x = x.clone().reshape([rows, 1, inputs]);
            if let Some(out) = product(raw(x), raw(columns.clone().unsqueeze::<3>()), &one_by_one) {
                return wrap::<3>(out).reshape([rows, outputs]);
            }
        }
        Self::product(x, columns)
    }

    fn sum<const D: usize>(x: Tensor<Self, D>) -> Tensor<Self, D> {
        reduce(x.clone(), ReduceOperationConfig::Sum).unwrap_or_else(|| x.sum_dim(D - 1))
    }

    fn max<const D: usize>(x: Tensor<Self, D>) -> Tensor<Self, D> {
        reduce(x.clone(), ReduceOperationConfig::Max).unwrap_or_else(|| x.max_dim(D - 1))
    }
}
