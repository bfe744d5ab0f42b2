"""Reads what `npm run lab -- export` writes, runs it in float64 with torch, and compares the last layer's states with those of
`npm run lab -- states`. Needs neither transformers nor peft: the adapter is applied from its definition.

    npm run lab -- export --format peft --out /tmp/student.zip
    npm run lab -- states --subject student:text --text "Tom has 12 apples." --out /tmp/student.npy > /tmp/student.json
    /usr/bin/python3 scripts/formats/read_export.py /tmp/student.zip --base models/base --states /tmp/student.npy --about /tmp/student.json

A merged export is read without --base. Prints the largest difference as a share of the largest value, and the most probable
next token.
"""
import argparse
import json
import math
import pathlib
import re
import struct
import sys
import zipfile

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "goldens/families"))
import families as f  # noqa: E402

DTYPES = {"F32": np.float32, "F16": np.float16}


def safetensors(data):
    (n,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, info in json.loads(data[8 : 8 + n]).items():
        if name == "__metadata__":
            continue
        begin, end = info["data_offsets"]
        raw = data[8 + n + begin : 8 + n + end]
        if info["dtype"] == "BF16":
            values = (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, DTYPES[info["dtype"]])
        tensors[name] = torch.tensor(values.astype(np.float64)).reshape(info["shape"])
    return tensors


def merge(weights, config, adapter, gpt2):
    pairs = {}
    for name, tensor in adapter.items():
        module, factor = re.fullmatch(r"base_model\.model\.(.+)\.lora_([AB])\.weight", name).groups()
        pairs.setdefault(module, {})[factor] = tensor
    by_pattern = lambda table, module, usual: next(
        (v for k, v in table.items() if re.fullmatch(rf"(.*\.)?({k})", module)), usual)
    for module, pair in pairs.items():
        alpha = by_pattern(config["alpha_pattern"], module, config["lora_alpha"])
        rank = by_pattern(config["rank_pattern"], module, config["r"])
        assert rank == len(pair["A"]), module
        delta = alpha / rank * pair["B"] @ pair["A"]
        weights[module + ".weight"] = weights[module + ".weight"] + (delta.T if gpt2 else delta)


def main(args=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("archive")
    parser.add_argument("--base")
    parser.add_argument("--states", required=True)
    parser.add_argument("--about", required=True)
    args = parser.parse_args(args)
    archive = zipfile.ZipFile(args.archive)
    assert archive.testzip() is None
    read = archive.read
    if "adapter_config.json" in archive.namelist():
        base = pathlib.Path(args.base)
        config = json.loads((base / "config.json").read_text())
        weights = safetensors((base / "model.safetensors").read_bytes())
        merge(weights, json.loads(read("adapter_config.json")), safetensors(read("adapter_model.safetensors")),
              config["model_type"] == "gpt2")
    else:
        config = json.loads(read("config.json"))
        weights = safetensors(read("model.safetensors"))
    about = json.load(open(args.about))["states"]
    ids = about["samples"][0]["ids"]
    if config["model_type"] == "gpt2":
        named = lambda short, long: config[short] if short in config else config[long]
        f.L, f.H = named("n_layer", "num_hidden_layers"), named("n_embd", "hidden_size")
        embedding = weights["transformer.wte.weight"]
        states = f.gpt2({"prefix": "transformer.", "heads": named("n_head", "num_attention_heads"), "eps": config["layer_norm_epsilon"]}, weights,
                        embedding[ids])
    else:
        heads, hidden = config["num_attention_heads"], config["hidden_size"]
        f.L, f.H = config["num_hidden_layers"], hidden
        embedding = weights["model.embed_tokens.weight"]
        c = {"heads": heads, "kv": config.get("num_key_value_heads") or heads, "d": config.get("head_dim") or hidden // heads,
             "eps": config["rms_norm_eps"], "rope": {"theta": config.get("rope_theta", 10000.0)},
             "qk_norm": config["model_type"] == "qwen3"}
        states = f.llama(c, weights, embedding[ids])
    expected = torch.tensor(np.load(args.states).astype(np.float64))[:, : len(ids)]
    actual = torch.stack(states)
    off = ((actual - expected).abs().max() / expected.abs().max()).item()
    logits = states[-1][-1] @ weights.get("lm_head.weight", embedding).T
    print(f"{args.archive}: {len(ids)} tokens, {f.L} layers; largest difference {off:.1e}; next token {logits.argmax().item()}")
    return 0 if off < 1e-5 and not math.isnan(off) else 1


if __name__ == "__main__":
    sys.exit(main())
