//! OpenAI's chat completions as data: what a request may say, what an answer looks like, and the shape of a
//! refusal (<https://platform.openai.com/docs/api-reference/chat>). No I/O.

mod answer;
mod fields;
mod messages;
mod neutral;
mod refusal;
mod request;
mod response_format;

pub(crate) use answer::{Answer, Choice, Model, ModelList, Stamp, Usage};
pub(crate) use refusal::Refusal;
pub(crate) use request::ChatRequest;

#[cfg(test)]
mod tests;
