"""Checks the inference service with PyPI's `openai`, unchanged.

Environment: MAILY_INFERENCE_URL (https://host:port, without /v1), MAILY_KEY (a key of the edge listener),
MAILY_CA (PEM file of the certificate's authority). Prints `N passed`; ends non-zero at the first failure.
"""

import json
import os
import ssl

import openai


def connect(key: str) -> openai.OpenAI:
    """A client as an application would make it, with our authority and no silent retries."""
    tls = ssl.create_default_context(cafile=os.environ["MAILY_CA"])
    return openai.OpenAI(
        base_url=os.environ["MAILY_INFERENCE_URL"].rstrip("/") + "/v1",
        api_key=key,
        max_retries=0,
        timeout=180,
        http_client=openai.DefaultHttpxClient(verify=tls),
    )


def refused(kind: type[openai.APIStatusError], call) -> openai.APIStatusError:
    """The error that `call` must raise."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def models(client: openai.OpenAI, model: str) -> None:
    assert [entry.id for entry in client.models.list()] == [model]
    assert client.models.retrieve(model).object == "model"


def chat(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "developer", "content": "Answer in one sentence."},
            {"role": "user", "content": [{"type": "text", "text": "What is the capital of France?"}]},
        ],
        temperature=0,
        max_completion_tokens=40,
        n=2,
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all("Paris" in choice.message.content for choice in answer.choices), "no Paris"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.system_fingerprint


def stream(client: openai.OpenAI, model: str) -> None:
    request = dict(
        model=model,
        messages=[{"role": "user", "content": "Write one line about spring."}],
        max_tokens=32,
        seed=11,
    )
    whole = client.chat.completions.create(**request)
    chunks = list(
        client.chat.completions.create(**request, stream=True, stream_options={"include_usage": True})
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage and not chunks[-1].choices
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason


def stop(client: openai.OpenAI, model: str) -> None:
    request = dict(
        model=model,
        messages=[{"role": "user", "content": "Count from one to five."}],
        temperature=0,
        max_tokens=40,
    )
    text = client.chat.completions.create(**request).choices[0].message.content
    word = text.split()[2]
    cut = client.chat.completions.create(**request, stop=word).choices[0]
    assert cut.message.content == text[: text.index(word)] and cut.finish_reason == "stop"


def schema(client: openai.OpenAI, model: str) -> None:
    wanted = {
        "type": "object",
        "properties": {
            "subject": {"type": "string", "maxLength": 60},
            "tone": {"type": "string", "enum": ["warm", "plain"]},
        },
        "required": ["subject", "tone"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Write the subject of an email about shoes, as JSON."}],
        max_tokens=120,
        seed=3,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "mail", "strict": True, "schema": wanted},
        },
    )
    value = json.loads(answer.choices[0].message.content)
    assert sorted(value) == ["subject", "tone"]
    assert isinstance(value["subject"], str) and len(value["subject"]) <= 60
    assert value["tone"] in ("warm", "plain")


def errors(client: openai.OpenAI, model: str) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    create = client.chat.completions.create
    unknown = refused(openai.NotFoundError, lambda: create(model="gpt-9", messages=messages))
    assert unknown.code == "model_not_found"
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    unserved = refused(openai.BadRequestError, lambda: create(model=model, messages=messages, tools=tools))
    assert (unserved.param, unserved.code) == ("tools", "unsupported_parameter")
    hot = refused(openai.BadRequestError, lambda: create(model=model, messages=messages, temperature=3))
    assert hot.param == "temperature"


def wrong_key(_: openai.OpenAI, model: str) -> None:
    stranger = connect("maily-not-a-key")
    refused(openai.AuthenticationError, stranger.models.list)
    messages = [{"role": "user", "content": "Hi"}]
    create = stranger.chat.completions.create
    refused(openai.AuthenticationError, lambda: create(model=model, messages=messages))


def main() -> None:
    client = connect(os.environ["MAILY_KEY"])
    model = client.models.list().data[0].id
    checks = [models, chat, stream, stop, schema, errors, wrong_key]
    for check in checks:
        check(client, model)
    print(f"{len(checks)} passed")


if __name__ == "__main__":
    main()
