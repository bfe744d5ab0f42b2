"""Tiny models of the families LLaMA and Qwen2 for the decoder of the PyTorch program, in float64.

    /usr/bin/python3 scripts/goldens/lori/model.py FOLDER    checks it against a checkpoint with a reference.json

B samples, S columns fed, P columns of past, T = P + S, H hidden size, L layers, V vocabulary, D head size, r LoRA rank.
"""
import os
import sys

import torch

# The decoder itself is that of the PyTorch program which runs are exported as.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../src/engine/session/exports/torch"))

import decoder  # noqa: E402
from decoder import (  # noqa: E402, F401
    LINEARS, NEG, Decoder, Lora, additive_mask, decoder_layer, rms_norm, rope_tables, rotate,
)


class Config(decoder.Config):
    def __init__(self, model_type, hidden, intermediate, layers, heads, kv_heads, vocab, eps, theta, tied):
        super().__init__(hidden, intermediate, layers, heads, kv_heads, hidden // heads, vocab, eps, theta, tied)
        self.model_type = model_type

    def hugging_face(self):
        return {
            "architectures": ["LlamaForCausalLM" if self.model_type == "llama" else "Qwen2ForCausalLM"],
            "model_type": self.model_type,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.vocab,
            "max_position_embeddings": 128,
            "rms_norm_eps": self.eps,
            "rope_theta": self.theta,
            "hidden_act": "silu",
            "tie_word_embeddings": self.tied,
            "eos_token_id": 1,
            "torch_dtype": "float32",
        }


def random_layer(config, random, prefix):
    """Weights of one layer by their Hugging Face names."""
    weights = {}
    for name, (rows, cols) in config.linear_shapes().items():
        weights[f"{prefix}{LINEARS[name]}.weight"] = random.normal(rows, cols, scale=0.9 / cols**0.5)
        if config.model_type == "qwen2" and name in "qkv":
            weights[f"{prefix}{LINEARS[name]}.bias"] = random.normal(rows, scale=0.3)
    for norm in ("input_layernorm", "post_attention_layernorm"):
        weights[f"{prefix}{norm}.weight"] = random.normal(config.hidden, scale=0.2, mean=1)
    return weights


def random_model(config, random):
    weights = {"model.embed_tokens.weight": random.normal(config.vocab, config.hidden, scale=0.5)}
    for layer in range(config.layers):
        weights.update(random_layer(config, random, f"model.layers.{layer}."))
    weights["model.norm.weight"] = random.normal(config.hidden, scale=0.2, mean=1)
    if not config.tied:
        weights["lm_head.weight"] = random.normal(config.vocab, config.hidden, scale=0.5)
    return weights


def random_lora(config, random, rank, layers):
    """{'layers.0.q.A': [r, in], 'layers.0.q.B': [out, r], …}: neither is zero, so that every gradient is tested."""
    lora = {}
    for layer in range(layers):
        for name, (rows, cols) in config.linear_shapes().items():
            lora[f"layers.{layer}.{name}.A"] = random.normal(rank, cols, scale=0.9 / cols**0.5)
            lora[f"layers.{layer}.{name}.B"] = random.normal(rows, rank, scale=0.3)
    return lora


def check_checkpoint(folder):
    """Greedy tokens and last logits of a real checkpoint against its reference.json (made with transformers)."""
    import json
    import os

    from files import read_safetensors

    with open(os.path.join(folder, "config.json")) as f:
        c = json.load(f)
    config = Config(
        c["model_type"], c["hidden_size"], c["intermediate_size"], c["num_hidden_layers"], c["num_attention_heads"],
        c["num_key_value_heads"], c["vocab_size"], c["rms_norm_eps"], c["rope_theta"], c["tie_word_embeddings"],
    )
    with open(os.path.join(folder, "reference.json")) as f:
        reference = json.load(f)  # ids: greedy from the first one; logits_last: the first logits at position `pos`
    decoder = Decoder(config, read_safetensors(os.path.join(folder, "model.safetensors")))
    ids, wanted = reference["ids"][:1], reference["ids"]
    cache, error = None, float("nan")
    while len(ids) < len(wanted):
        states, cache = decoder.forward(decoder.embed(torch.tensor([ids[-1:]])), torch.ones(1, len(wanted)), cache)
        logits = decoder.logits(states[0, -1, -1])
        if len(ids) - 1 == reference["pos"]:
            known = torch.tensor(reference["logits_last"])
            error = (logits[: len(known)] - known).abs().max().item()
        ids.append(logits.argmax().item())
    same = sum(a == b for a, b in zip(ids, wanted))
    print(f"{same} of {len(wanted)} greedy tokens; logits at {reference['pos']} differ by at most {error:.1e}")


if __name__ == "__main__":
    import sys

    check_checkpoint(sys.argv[1])
