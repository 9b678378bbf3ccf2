//! Mutated inputs for everything that reads what others wrote: a panic, a death or a run without end is a finding.
//!
//! Stable Rust says nothing of which code an input reached, so this goes by what a reader *answers*: an input with an answer
//! that none had before is kept for the rest of the run and mutated further, as a new piece of code would be.
//!
//! - [`targets`]: what is fuzzed, and with which inputs it begins
//! - [`mutate`]: what becomes of an input
//! - [`child`]: the process in which a target runs, and may die
//! - [`parent`]: the process that starts it, finds out what has ended it, and keeps the input
//! - [`minimise`]: the input, as short as it still does the same

#![allow(clippy::indexing_slicing, reason = "a mutator at fault is seen at once, and nobody calls it but us")]

pub mod child;
pub mod corpus;
pub mod minimise;
pub mod mutate;
pub mod parent;
pub mod spans;
pub mod state;
pub mod targets;
