"""Reference logits for libs/model, made by another engine: Hugging Face transformers in float32.

    pip install torch transformers gguf accelerate        # CPU builds serve; only this script needs them
    python tests/reference/llama_logits.py MODEL.gguf libs/model/tests/data

writes into the data folder
  smollm2_logits.json   the 16 largest logits of each of 64 positions of 10 prompts, from the GGUF file
  tiny/                 a Hugging Face folder: a Llama of 2 layers with random weights (fixed seed, llama3 rope scaling)
  tiny_logits.json      all logits of it for one sequence
The results are committed, so that no test needs torch.
"""

import json
import pathlib
import sys

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

POSITIONS = 64
LARGEST = 16

PROMPTS = [
    "The spring sale starts on Monday, and every member of the garden club is invited to come early. ",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return fibonacci(n - 1) + fibonacci(n - 2)\n\n",
    "In 1969, Neil Armstrong and Buzz Aldrin walked on the Moon while Michael Collins stayed in orbit. ",
    "<|im_start|>system\nYou write short emails.<|im_end|>\n<|im_start|>user\nInvite Ana to lunch.<|im_end|>\n"
    "<|im_start|>assistant\n",
    "Prices: $12.50, €9.99 and £1,250.00; 30% off until 31 December 2026! Call +1 (555) 010-9999. ",
    "Zażółć gęślą jaźń. Příliš žluťoučký kůň úpěl ďábelské ódy. 今日は良い天気ですね。 🌷🌿 ",
    "    \t\n\n  Whitespace   and\ttabs \r\n matter to a tokenizer's   regular expression...  ",
    "It's we've they'll I'd you're he'd don't CAN'T WON'T shouldn't o'clock rock'n'roll ",
    '{"subject": "Hello", "body": ["one", "two", {"three": 3.14159}], "ok": true, "none": null} ',
    "Water boils at 100 degrees Celsius at sea level. On a high mountain it boils at a lower temperature because ",
]


def largest_logits(gguf: pathlib.Path) -> dict:
    """The tokens of each prompt and the largest logits at each of its positions."""
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32).eval()
    prompts = []
    for text in PROMPTS:
        own = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = (own * (POSITIONS // len(own) + 1))[:POSITIONS]
        with torch.no_grad():
            top = model(torch.tensor([ids])).logits[0].topk(LARGEST)
        prompts.append({
            "text": text,
            "text_tokens": own,
            "tokens": ids,
            "indices": top.indices.tolist(),
            "logits": [[round(v, 5) for v in row] for row in top.values.tolist()],
        })
    return {"positions": POSITIONS, "largest": LARGEST, "prompts": prompts}


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with a vocabulary of a few hundred tokens."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken("<|begin|>", special=True), AddedToken("<|end|>", special=True)],
        show_progress=False,
    )
    inner.train_from_iterator(PROMPTS, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<|begin|>", eos_token="<|end|>")
    tokenizer.chat_template = (
        "{% for m in messages %}{{ bos_token }}{{ m['role'] }}: {{ m['content'].strip() }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}{{ bos_token }}assistant: {% endif %}"
    )
    return tokenizer


def tiny_model(folder: pathlib.Path) -> dict:
    """Saves a tiny Llama with its tokenizer, and answers its logits for one sequence."""
    torch.manual_seed(20261123)
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=48, intermediate_size=80, num_hidden_layers=2,
        num_attention_heads=6, num_key_value_heads=2, head_dim=8, max_position_embeddings=256,
        rms_norm_eps=1e-5, tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        },
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    model = model.to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="60KB")
    tokenizer.save_pretrained(folder)
    ids = tokenizer(" ".join(PROMPTS), add_special_tokens=False)["input_ids"][:80]
    # Loaded again: the model above keeps rotary frequencies that have been bfloat16.
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    return {"tokens": ids, "logits": [[round(v, 5) for v in row] for row in logits.tolist()]}


def main() -> None:
    """Writes all of it."""
    gguf, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    data.mkdir(parents=True, exist_ok=True)
    tiny = tiny_model(data / "tiny")
    (data / "tiny_logits.json").write_text(json.dumps(tiny, separators=(",", ":")) + "\n")
    large = largest_logits(gguf)
    (data / "smollm2_logits.json").write_text(json.dumps(large, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
