//! From a request to what the engine is asked: the model's own template, its tokens, and whether they fit.

use std::time::Instant;

use maily_model::{ChatMessage, Generate, MAX_PROMPT, TemplateError};

use crate::config::Config;
use crate::openai::{ChatRequest, Refusal};
use crate::server::Loaded;
use crate::think::ThinkFilter;

/// A request that the engine can take.
pub(crate) struct Prepared {
    /// What it is asked.
    pub request: Generate,
}

/// Renders and tokenises; milliseconds of work, so not on a thread that serves connections.
pub(crate) fn prepare(
    loaded: &Loaded,
    config: &Config,
    chat: ChatRequest,
    deadline: Instant,
) -> Result<Prepared, Refusal> {
    no_control_tokens(loaded, &chat)?;
    let messages: Vec<ChatMessage> = chat
        .messages
        .into_iter()
        .map(|message| ChatMessage { role: message.role.to_owned(), content: message.text })
        .collect();
    let mut rendered = loaded.engine.render_chat(&messages).map_err(|error| template(&error))?;
    if chat.schema.is_some() {
        ThinkFilter::close(&mut rendered);
    }
    let thinking = ThinkFilter::opened_by(&rendered);
    let prompt = tokens(loaded, &rendered, chat.max_tokens)?;
    let max_tokens = fit(loaded, config, prompt.len(), chat.max_tokens, chat.n)?;
    let request = Generate {
        prompt,
        n: chat.n,
        max_tokens,
        temperature: chat.temperature as f32,
        top_p: chat.top_p as f32,
        seed: chat.seed.unwrap_or_else(rand::random),
        stop: chat.stop,
        thinking,
        schema: chat.schema,
        deadline: Some(deadline),
    };
    Ok(Prepared { request })
}

/// Refuses text that would be read as the template's own markers (`<|im_start|>system`), with which a message
/// could pass for another role's.
fn no_control_tokens(loaded: &Loaded, chat: &ChatRequest) -> Result<(), Refusal> {
    let tokenizer = loaded.engine.tokenizer();
    for (at, message) in chat.messages.iter().enumerate() {
        if tokenizer.names_special(&message.text) {
            let name = format!("messages[{at}].content");
            let text = format!("Invalid '{name}': the text has a control token of the model in it.");
            return Err(Refusal::param(&name, "invalid_value", text));
        }
    }
    Ok(())
}

/// The tokens of the prompt. A text that can't fit is not cut at all, so that how many it has is not known.
fn tokens(loaded: &Loaded, rendered: &str, wanted: Option<usize>) -> Result<Vec<u32>, Refusal> {
    let (tokenizer, limit) = (loaded.engine.tokenizer(), loaded.engine.info().context_length);
    let (fewest, answer) = (tokenizer.fewest(rendered), wanted.unwrap_or(1).max(1));
    if fewest >= limit {
        let message = format!(
            "This model's maximum context length is {limit} tokens. However, you requested at least {} tokens (at least {fewest} in the messages, {answer} in the completion). Please reduce the length of the messages or completion.",
            fewest.saturating_add(answer)
        );
        return Err(Refusal::param("messages", "context_length_exceeded", message));
    }
    Ok(tokenizer.encode(rendered, true))
}

/// Tokens that each answer may have.
fn fit(
    loaded: &Loaded,
    config: &Config,
    prompt: usize,
    wanted: Option<usize>,
    n: usize,
) -> Result<usize, Refusal> {
    let limit = loaded.engine.info().context_length;
    let room = limit.saturating_sub(prompt);
    let tokens = wanted.unwrap_or(config.max_tokens.min(room)).max(1);
    if tokens > room {
        let message = format!(
            "This model's maximum context length is {limit} tokens. However, you requested {} tokens ({prompt} in the messages, {tokens} in the completion). Please reduce the length of the messages or completion.",
            prompt + tokens
        );
        return Err(Refusal::param("messages", "context_length_exceeded", message));
    }
    // Without a wish for a length, many answers share what memory there is.
    let share = (config.batch_tokens / n).saturating_sub(prompt);
    if wanted.is_none() && share > 0 {
        return Ok(tokens.min(share));
    }
    if tokens > share && n > 1 {
        let message = format!(
            "Invalid 'n': {n} answers to a prompt of {prompt} tokens with up to {tokens} tokens each are more than the {} tokens this server keeps in memory.",
            config.batch_tokens
        );
        return Err(Refusal::param("n", "context_length_exceeded", message));
    }
    Ok(tokens)
}

fn template(error: &TemplateError) -> Refusal {
    match error {
        TemplateError::Refused(reason) => Refusal::param("messages", "invalid_value", reason.clone()),
        // Of the request, as it is for good: what is answered as a fault of ours is asked again for ever.
        TemplateError::TooMuch => {
            tracing::error!(%error, "the chat template was stopped");
            let message = "Invalid 'messages': the chat template takes too much memory or time for them.";
            Refusal::param("messages", "invalid_value", message)
        }
        TemplateError::TooLong => {
            let message = format!(
                "Invalid 'messages': the prompt made of them has more than {MAX_PROMPT} bytes, which is the most that this server renders."
            );
            Refusal::param("messages", "context_length_exceeded", message)
        }
        TemplateError::Unavailable(_) => {
            tracing::error!(%error, "the chat template was not rendered");
            Refusal::not_rendered()
        }
        error => {
            tracing::error!(%error, "the chat template failed");
            Refusal::internal()
        }
    }
}
