"""Tiny random LLaMA (also with the RoPE scaling of Llama 3), Qwen2, Qwen3 and GPT-2 as ONNX exports of every kind that people have, and
what transformers computes of each: one folder an export below OUT, with config.json, tokenizer.json, onnx/ and reference.json.

    python3 scripts/formats/write_exports.py OUT      (torch, transformers 5, onnx, onnxscript, onnxruntime)
    node scripts/tools/run-ts.mjs scripts/formats/check-exports.ts OUT

Exporters: TorchScript's and dynamo's of torch, under Optimum's names, and transformers' own. Of TorchScript's also without cache, in float16,
as a merged decoder, and rounded by onnxruntime as transformers.js's script does. With Optimum its own go beside them:
`optimum-cli export onnx --task text-generation-with-past --model OUT/llama/torch OUT/llama-optimum/onnx`, with the two JSON files and
reference.json of OUT/llama copied to OUT/llama-optimum.
"""
import json
import pathlib
import sys
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.cache_utils import DynamicCache

V, H, LAYERS, HEADS = 96, 32, 3, 4
PROMPTS = [[40, 71, 5, 93, 18, 66, 3, 3, 57, 12], [9, 77, 51, 4, 23, 60]]
NEW = 10
SIZES = {
    "vocab_size": V, "hidden_size": H, "intermediate_size": 48, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "num_key_value_heads": 2, "max_position_embeddings": 64,
}
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
MODELS = {
    "llama": ("llama", {**SIZES, "tie_word_embeddings": False}),
    "llama3": ("llama", {**SIZES, "tie_word_embeddings": True, "rope_parameters": LLAMA3}),
    "qwen2": ("qwen2", {**SIZES, "tie_word_embeddings": True}),
    "qwen3": ("qwen3", {**SIZES, "tie_word_embeddings": True, "head_dim": 16}),
    "gpt2": ("gpt2", {"vocab_size": V, "n_embd": H, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 64}),
}


def build(name, attention="sdpa"):
    kind, sizes = MODELS[name]
    ends = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    config = AutoConfig.for_model(kind, **sizes, **ends)
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval().float()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            spread = 0.8 if any(part in key for part in ("embed", "wte", "lm_head")) else 0.25
            weight.copy_((1.0 if weight.dim() == 1 and not key.endswith("bias") else 0.0) + spread * torch.randn_like(weight))
    return model.requires_grad_(False)


def reference(model, ids):
    out = model(torch.tensor([ids]), output_hidden_states=True)
    more = list(ids)
    for _ in range(NEW):
        more.append(int(model(torch.tensor([more])).logits[0, -1].argmax()))
    flat = lambda x: x[0].flatten().tolist()
    return {"ids": ids, "states": [flat(h) for h in out.hidden_states], "logits": flat(out.logits), "greedy": more[len(ids):]}


def tokenizer():
    tokens = ["<unk>", *(chr(0x1F + i) for i in range(1, V))]
    model = {"type": "BPE", "unk_token": "<unk>", "vocab": {token: i for i, token in enumerate(tokens)}, "merges": []}
    return {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": model}


def folder(out, name, model):
    """The export's folder; returns its onnx/."""
    (out / name / "onnx").mkdir(parents=True, exist_ok=True)
    (out / name / "config.json").write_text(json.dumps(model.config.to_dict(), default=str))
    (out / name / "tokenizer.json").write_text(json.dumps(tokenizer()))
    (out / name / "reference.json").write_text(json.dumps([reference(model, ids) for ids in PROMPTS]))
    return out / name / "onnx"


class Decoder(torch.nn.Module):
    """Ids, mask, positions, past keys and values → logits, keys and values: tensors alone, in Optimum's order."""

    def __init__(self, model, past, cache):
        super().__init__()
        self.model, self.past, self.cache = model, past, cache

    def forward(self, input_ids, attention_mask, position_ids, *past):
        before = DynamicCache(list(zip(past[::2], past[1::2]))) if self.past else None
        out = self.model(
            input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, past_key_values=before, use_cache=self.cache
        )
        if not self.cache:
            return (out.logits,)
        return (out.logits, *(x for layer in out.past_key_values.layers for x in (layer.keys, layer.values)))


def example(model, past, columns):
    """What is traced, and the sizes of each input that are open."""
    c = model.config
    kv, d = getattr(c, "num_key_value_heads", HEADS), getattr(c, "head_dim", None) or H // HEADS
    length = 4 if past else 0
    torch.manual_seed(1)
    mask = torch.ones(2, length + columns, dtype=torch.int64)
    mask[-1, :2] = 0
    named = {
        "input_ids": (torch.randint(0, V, (2, columns)), {0: "batch_size", 1: "sequence_length"}),
        "attention_mask": (mask, {0: "batch_size", 1: "past_sequence_length + sequence_length" if past else "sequence_length"}),
        "position_ids": (torch.arange(length, length + columns).repeat(2, 1), {0: "batch_size", 1: "sequence_length"}),
    }
    for i in range(LAYERS if past else 0):
        for what in ("key", "value"):
            values = torch.randn(2, kv, length, d).to(model.dtype)
            named[f"past_key_values.{i}.{what}"] = (values, {0: "batch_size", 2: "past_sequence_length"})
    return named


def by_torch(path, model, opset, dynamo=False, past=True, cache=True, columns=5):
    named = example(model, past, columns)
    outputs = {"logits": {0: "batch_size", 1: "sequence_length"}}
    for i in range(LAYERS if cache else 0):
        for what in ("key", "value"):
            outputs[f"present.{i}.{what}"] = {0: "batch_size", 2: "past_sequence_length + sequence_length" if past else "sequence_length"}
    axes = {name: sizes for name, (_, sizes) in named.items()}
    auto = [{axis: torch.export.Dim.AUTO for axis in sizes} for sizes in axes.values()]
    sizes = {"dynamic_shapes": (*auto[:3], tuple(auto[3:]))} if dynamo else {"dynamic_axes": {**axes, **outputs}}
    torch.onnx.export(
        # The exporter leaves the module in the mode in which it came, and GPT-2 has dropout.
        Decoder(model, past, cache).eval(), tuple(x for x, _ in named.values()), str(path), input_names=list(named),
        output_names=list(outputs), opset_version=opset, dynamo=dynamo, **sizes,
    )


def by_transformers(path, model):
    from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter

    past = model(torch.randint(0, V, (2, 4)), use_cache=True).past_key_values
    inputs = {
        "input_ids": torch.randint(0, V, (2, 5)), "attention_mask": torch.ones(2, 9, dtype=torch.int64), "past_key_values": past,
        "position_ids": torch.arange(4, 9).repeat(2, 1), "use_cache": True,
    }
    OnnxExporter().export(model, inputs, config=OnnxConfig(dynamic=True, output_path=str(path)))


def merged(first, later, path):
    """Two decoders in the branches of an If, as Optimum's old layout has them."""
    graphs = []
    for prefix, source in (("later_", later), ("first_", first)):
        graph = onnx.load(source).graph
        own = {i.name for i in graph.initializer} | {o for node in graph.node for o in node.output}
        own -= {o.name for o in graph.output}
        for tensor in graph.initializer:
            tensor.name = prefix + tensor.name
        for node in graph.node:
            for ends in (node.input, node.output):
                ends[:] = [prefix + end if end in own else end for end in ends]
        graphs.append(graph)
    outputs = lambda graph: [onnx.helper.make_tensor_value_info(o.name, o.type.tensor_type.elem_type, None) for o in graph.output]
    branches = [onnx.helper.make_graph(list(g.node), f"branch_{i}", [], outputs(g)) for i, g in enumerate(graphs)]
    names = [o.name for o in graphs[0].output]
    node = onnx.helper.make_node("If", ["use_cache_branch"], names, then_branch=branches[0], else_branch=branches[1])
    inputs = [*graphs[0].input, onnx.helper.make_tensor_value_info("use_cache_branch", onnx.TensorProto.BOOL, [1])]
    weights = [*graphs[0].initializer, *graphs[1].initializer]
    graph = onnx.helper.make_graph([node], "merged", inputs, outputs(graphs[0]), initializer=weights)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)]), str(path))


def rounded(source, into):
    """fp16, int8 and 4 bits, as transformers.js's quantize.py makes them; each with what onnxruntime computes of it."""
    half = lambda model: convert_float_to_float16(model, keep_io_types=True)

    def nbits(**options):
        quantizer = MatMulNBitsQuantizer(onnx.load(source), block_size=32, is_symmetric=True, **options)
        quantizer.process()
        return quantizer.model.model

    onnx.save(half(onnx.load(source)), str(into / "model_fp16.onnx"))
    onnx.save(nbits(), str(into / "model_q4.onnx"))
    onnx.save(half(nbits()), str(into / "model_q4f16.onnx"))
    extra = {"EnableSubgraph": True, "MatMulConstBOnly": True}
    for name, kind in (("quantized", QuantType.QInt8), ("uint8", QuantType.QUInt8)):
        quantize_dynamic(str(source), str(into / f"model_{name}.onnx"), weight_type=kind, extra_options=extra)
    for path in into.glob("*.onnx"):
        path.with_name(f"{path.name}.reference.json").write_text(json.dumps([{"logits": by_onnxruntime(path, ids)} for ids in PROMPTS]))


def by_onnxruntime(path, ids):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    whole = {"input_ids": [ids], "attention_mask": [[1] * len(ids)], "position_ids": [list(range(len(ids)))]}
    feeds = {name: np.array(values, np.int64) for name, values in whole.items()}
    for i in session.get_inputs():
        if i.name not in feeds:
            feeds[i.name] = np.zeros((1, i.shape[1], 0, i.shape[3]), np.float16 if "float16" in i.type else np.float32)
    return session.run(["logits"], feeds)[0].astype(np.float32).flatten().tolist()


def write(out, name):
    model = build(name)
    model.save_pretrained(out / name / "torch")
    plain = folder(out, name, model)
    by_torch(plain / "model.onnx", model, 14)
    by_torch(folder(out, f"{name}-eager-17", model) / "model.onnx", build(name, "eager"), 17)
    by_torch(folder(out, f"{name}-dynamo-18", model) / "model.onnx", model, 18, dynamo=True)
    by_torch(folder(out, f"{name}-without-cache", model) / "model.onnx", model, 14, past=False, cache=False)
    by_transformers(folder(out, f"{name}-transformers", model) / "model.onnx", model)
    old = folder(out, f"{name}-old", model)
    by_torch(old / "decoder_model.onnx", model, 14, past=False)
    by_torch(old / "decoder_with_past_model.onnx", model, 14, columns=1)
    merged(old / "decoder_model.onnx", old / "decoder_with_past_model.onnx", old / "decoder_model_merged.onnx")
    rounded(plain / "model.onnx", folder(out, f"{name}-rounded", model))
    by_torch(folder(out, f"{name}-half", model) / "model_fp16.onnx", build(name).half(), 14)


def main():
    warnings.simplefilter("ignore")
    out = pathlib.Path(sys.argv[1])
    with torch.no_grad():
        for name in MODELS:
            write(out, name)
            print(name, flush=True)


if __name__ == "__main__":
    main()
