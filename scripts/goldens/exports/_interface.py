"""The interface that Optimum gives an export of a decoder, on top of torch.onnx.export: names of inputs and outputs, and
which of their sizes are open. Written as model.onnx is, but gzipped."""
import gzip
import io
import warnings

import torch

# Sizes of what the exporter runs. All are open in the export.
ROWS, COLUMNS, PAST = 2, 5, 4
ALL = "past_sequence_length + sequence_length"


def cache_sizes(c):
    """[layers, key/value heads, features a head]"""
    heads = c.get("num_attention_heads") or c["n_head"]
    size = c.get("hidden_size") or c["n_embd"]
    return c.get("num_hidden_layers") or c["n_layer"], c.get("num_key_value_heads", heads), size // heads


def example(c, dtype, past, positions, columns):
    """What the exporter runs, by the names of the forward pass's parameters. With padding, so that no mask is constant."""
    layers, kv, d = cache_sizes(c)
    length = PAST if past else 0
    torch.manual_seed(1)
    inputs = {
        "input_ids": torch.randint(0, c["vocab_size"], (ROWS, columns)),
        "attention_mask": torch.ones(ROWS, length + columns, dtype=torch.int64),
    }
    inputs["attention_mask"][-1, :2] = 0
    if positions:
        inputs["position_ids"] = torch.arange(length, length + columns).repeat(ROWS, 1)
    if past:
        one = lambda: torch.randn(ROWS, kv, length, d).to(dtype)
        inputs["past_key_values"] = tuple((one(), one()) for _ in range(layers))
    return inputs


def export(model, opset, folding, past=True, positions=True, columns=COLUMNS):
    """Bytes of the export. `columns`: 1 as for decoder_with_past_model.onnx, which Optimum exports so."""
    c, dtype = model.c, model.lm_head.weight.dtype
    inputs = example(c, dtype, past, positions, columns)
    names = [name for name in inputs if name != "past_key_values"]
    axes = {name: {0: "batch_size", 1: "sequence_length"} for name in [*names, "logits"]}
    whole = ALL if past else "sequence_length"
    axes["attention_mask"] = {0: "batch_size", 1: whole}
    outputs = ["logits"]
    for i in range(cache_sizes(c)[0]):
        for what in ("key", "value"):
            if past:
                names.append(f"past_key_values.{i}.{what}")
                axes[names[-1]] = {0: "batch_size", 2: "past_sequence_length"}
            outputs.append(f"present.{i}.{what}")
            axes[outputs[-1]] = {0: "batch_size", 2: whole}
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (inputs,), file, input_names=names, output_names=outputs, dynamic_axes=axes,
                          opset_version=opset, do_constant_folding=folding)
    return file.getvalue()


def write(path, data):
    with open(path, "wb") as f:
        f.write(gzip.compress(data, 9, mtime=0))
