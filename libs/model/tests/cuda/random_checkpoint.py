"""A Hugging Face folder with random weights, in the shape of DeepSeek-R1-Distill-Llama-8B unless told otherwise.

    python libs/model/tests/cuda/random_checkpoint.py OUT TOKENIZER [--layers N …]

What it writes is nonsense, but takes the time and the memory of the real one, which a machine without a network can't
fetch: see `examples/speed.rs`. TOKENIZER is a folder with config.json and a BPE's tokenizer.json (libs/model/tests/data/tiny
serves), which is filled up to the size of the vocabulary. Needs numpy only; 16 GB take some seconds.
"""

import argparse
import json
import pathlib

import numpy

# Weights repeat after so many numbers, which no product notices and drawing billions would take minutes.
BLOCK = 1 << 25
SCALE = 0.02
ONE = 0x3F80  # 1.0 as bf16


def tensors(shape: argparse.Namespace) -> dict[str, tuple[int, ...]]:
    """The names and shapes of all tensors."""
    head = shape.hidden // shape.heads
    found = {"model.embed_tokens.weight": (shape.vocabulary, shape.hidden)}
    for layer in range(shape.layers):
        name = f"model.layers.{layer}."
        found |= {
            name + "input_layernorm.weight": (shape.hidden,),
            name + "self_attn.q_proj.weight": (shape.hidden, shape.hidden),
            name + "self_attn.k_proj.weight": (shape.kv_heads * head, shape.hidden),
            name + "self_attn.v_proj.weight": (shape.kv_heads * head, shape.hidden),
            name + "self_attn.o_proj.weight": (shape.hidden, shape.hidden),
            name + "post_attention_layernorm.weight": (shape.hidden,),
            name + "mlp.gate_proj.weight": (shape.feed_forward, shape.hidden),
            name + "mlp.up_proj.weight": (shape.feed_forward, shape.hidden),
            name + "mlp.down_proj.weight": (shape.hidden, shape.feed_forward),
        }
    return found | {"model.norm.weight": (shape.hidden,), "lm_head.weight": (shape.vocabulary, shape.hidden)}


def write_shard(path: pathlib.Path, part: dict[str, tuple[int, ...]], block: numpy.ndarray) -> None:
    """One safetensors file: the header's length, the header, the numbers."""
    header, end = {}, 0
    for name, shape in part.items():
        start, end = end, end + 2 * int(numpy.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for number, shape in enumerate(part.values()):
            left = int(numpy.prod(shape))
            if len(shape) == 1:
                numpy.full(left, ONE, numpy.uint16).tofile(file)
                continue
            start = number * 7919 % (BLOCK // 2)
            while left > 0:
                piece = block[start : start + left]
                piece.tofile(file)
                left, start = left - len(piece), 0


def tokenizer(shape: argparse.Namespace) -> str:
    """The tokenizer with as many tokens as the model, so that the one that ends a text is drawn as rarely as others."""
    own = json.loads((shape.tokenizer / "tokenizer.json").read_text())
    vocabulary = own["model"]["vocab"]
    taken = {*vocabulary.values(), *(token["id"] for token in own["added_tokens"])}
    vocabulary |= {f"~{number}": number for number in range(shape.vocabulary) if number not in taken}
    return json.dumps(own)


def main() -> None:
    """Writes the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("tokenizer", type=pathlib.Path)
    sizes = {"layers": 32, "hidden": 4096, "feed-forward": 14336, "heads": 32, "kv-heads": 8, "vocabulary": 128256}
    for name, size in (sizes | {"shards": 4}).items():
        parser.add_argument(f"--{name}", type=int, default=size)
    shape = parser.parse_args()
    shape.out.mkdir(parents=True)
    eos = json.loads((shape.tokenizer / "config.json").read_text())["eos_token_id"]
    (shape.out / "tokenizer.json").write_text(tokenizer(shape))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": 131072,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0,
        "eos_token_id": eos,
        "tie_word_embeddings": False,
    }
    (shape.out / "config.json").write_text(json.dumps(config, indent=2))
    block = numpy.random.default_rng(1).standard_normal(BLOCK, numpy.float32) * numpy.float32(SCALE)
    block = (block.view(numpy.uint32) >> 16).astype(numpy.uint16)
    every = list(tensors(shape).items())
    files, each = {}, -(-len(every) // shape.shards)
    for shard in range(shape.shards):
        part = dict(every[shard * each : (shard + 1) * each])
        name = f"model-{shard + 1:05}-of-{shape.shards:05}.safetensors"
        write_shard(shape.out / name, part, block)
        files |= dict.fromkeys(part, name)
    (shape.out / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))


if __name__ == "__main__":
    main()
