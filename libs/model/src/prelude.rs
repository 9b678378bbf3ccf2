//! What of burn is used everywhere. Its tensors and backends alone: `burn` itself brings what only training needs.

pub(crate) use burn_tensor::{Int, Tensor, backend::Backend};
