"""Tiny random students in the exact layouts of the published latent-reasoning checkpoints (names, shapes, dtypes, options), and
what each one's latent loop computes in float64: writes src/engine/session/models/releases.golden.json.
Run: /usr/bin/python3 scripts/goldens/releases/releases.py

The loops are written from the official repositories (CODI, SIM-CoT, Coconut, adaptive latent reasoning, PCCoT) and share nothing
with the engine; the models' forward passes are those of ../families/families.py, whose generator also makes the weights, so that
none is stored: tensors are listed in the order in which they are drawn. Each case runs one question, the thoughts and a few
tokens after them, and keeps the final hidden states at the thoughts and after, and the logits of the last position.

Also pickles of torch.save, as base64: one that is read, and ones that must not be.
"""
import base64
import collections
import io
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "families"))
import families as f  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

V, H, L = f.V, f.H, f.L
QUESTION = [3, 17, 5, 29, 11, 8]
AFTER = [7, 19]
RANK, THOUGHTS = 3, 6


class Listed:
    """A file's tensors in the order they are drawn. `dtype` is how the release stores them."""

    def __init__(self, seed):
        self.seed = seed
        self.generator = f.Generator(seed)
        self.listed = []

    def add(self, name, shape, shift=8, one=False, dtype="bf16"):
        self.listed.append({"name": name, "shape": list(shape), "shift": shift, "one": one, "leftover": False, "dtype": dtype})
        return self.generator.values(shape, shift, one)

    def again(self, name, of):
        """A second name of a tensor: one storage in a .bin."""
        self.listed.append({"name": name, "same": of})


def gpt2_tensors(rows):
    yield "transformer.wte.weight", (rows, H), 7, False
    yield "transformer.wpe.weight", (24, H), 7, False
    for i in range(L):
        n = f"transformer.h.{i}."
        for name in ("ln_1", "ln_2"):
            yield f"{n}{name}.weight", (H,), 6, True
            yield f"{n}{name}.bias", (H,), 9, False
        for name, shape in {"attn.c_attn": (H, 3 * H), "attn.c_proj": (H, H), "mlp.c_fc": (H, 4 * H), "mlp.c_proj": (4 * H, H)}.items():
            yield f"{n}{name}.weight", shape, 6 if name == "mlp.c_fc" else 8, False
            yield f"{n}{name}.bias", (shape[1],), 9, False
    yield "transformer.ln_f.weight", (H,), 6, True
    yield "transformer.ln_f.bias", (H,), 9, False


def llama_tensors(rows):
    yield "model.embed_tokens.weight", (rows, H), 7, False
    for i in range(L):
        n = f"model.layers.{i}."
        for name, shape in {"self_attn.q_proj": (16, H), "self_attn.k_proj": (8, H), "self_attn.v_proj": (8, H), "self_attn.o_proj": (H, 16),
                            "mlp.gate_proj": (24, H), "mlp.up_proj": (24, H), "mlp.down_proj": (H, 24)}.items():
            yield f"{n}{name}.weight", shape, 8, False
        yield n + "input_layernorm.weight", (H,), 6, True
        yield n + "post_attention_layernorm.weight", (H,), 6, True
    yield "model.norm.weight", (H,), 6, True


FAMILIES = {
    "gpt2": {"tensors": gpt2_tensors, "forward": f.gpt2, "embedding": "transformer.wte.weight",
             "c": {"prefix": "transformer.", "heads": 4, "eps": 1e-5},
             "linears": ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"],
             "config": {"model_type": "gpt2", "vocab_size": V, "n_positions": 24, "n_ctx": 24, "n_embd": H, "n_layer": L, "n_head": 4,
                        "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0}},
    "llama": {"tensors": llama_tensors, "forward": f.llama, "embedding": "model.embed_tokens.weight",
              "c": {"heads": 4, "kv": 2, "d": 4, "eps": 1e-5, "rope": {"theta": 10000.0}},
              "linears": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
                          "mlp.down_proj"],
              "config": {"model_type": "llama", "vocab_size": V, "hidden_size": H, "intermediate_size": 24, "num_hidden_layers": L,
                         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
                         "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True, "eos_token_id": 0}},
}


def model_of(family, listed, rows, prefix, lora, dtype="bf16"):
    """Draws the model's tensors; with `lora`, linears are base_layer with float32 factors beside them, merged in what is returned."""
    weights = {}
    for name, shape, shift, one in family["tensors"](rows):
        linear = next((m for m in family["linears"] if f".{m}.weight" in name or f".{m}.bias" in name), None)
        stored = name
        if lora and linear:
            stored = name[: name.rindex(".")] + ".base_layer" + name[name.rindex("."):]
        weights[name] = listed.add(prefix + stored, shape, shift, one, dtype)
        if lora and linear and name.endswith(".weight"):
            conv = family is FAMILIES["gpt2"]
            out, width = (shape[1], shape[0]) if conv else shape
            module = prefix + name[: -len(".weight")]
            a = listed.add(f"{module}.lora_A.default.weight", (RANK, width), 7, dtype="f32")
            b = listed.add(f"{module}.lora_B.default.weight", (out, RANK), 7, dtype="f32")
            delta = 32 / RANK * b @ a
            weights[name] = weights[name] + (delta.T if conv else delta)
    return weights


def perceptron(listed, prefix, names, width, dtype="f32"):
    first, second, norm = names
    w = {}
    for key, name, shape in (("in", first, (width, H)), ("out", second, (H, width))):
        w[key] = (listed.add(f"{prefix}{name}.weight", shape, 7, dtype=dtype), listed.add(f"{prefix}{name}.bias", shape[:1], 8, dtype=dtype))
    if norm:
        w["norm"] = (listed.add(f"{prefix}{norm}.weight", (H,), 6, True, dtype), listed.add(f"{prefix}{norm}.bias", (H,), 8, dtype=dtype))

    def run(h):
        y = F.linear(F.gelu(F.linear(h, *w["in"])), *w["out"])
        return F.layer_norm(y, (H,), *w["norm"]) if norm else y

    return run


def recurrent(family, weights, begin, end, filter_, thoughts=THOUGHTS):
    """question, begin, thoughts, end, AFTER: each thought made from the final hidden state before it."""
    embedding = weights[family["embedding"]]
    x = embedding[QUESTION + [begin]]
    for _ in range(thoughts):
        h = family["forward"](family["c"], weights, x)[-1][-1]
        x = torch.cat([x, filter_(h)[None]])
    x = torch.cat([x, embedding[[end] + AFTER]])
    return x


def jacobi(family, weights, begin, latent, end, count, iterations):
    """PCCoT: all thoughts at once, each from the final hidden state before it in the run before."""
    embedding = weights[family["embedding"]]
    prefix = embedding[QUESTION + [begin]]
    z = embedding[latent][None].repeat(count, 1)
    for _ in range(iterations):
        h = family["forward"](family["c"], weights, torch.cat([prefix, z]))[-1]
        z = h[len(prefix) - 1 : len(prefix) - 1 + count]
    return torch.cat([prefix, z, embedding[[end] + AFTER]])


def outputs(family, weights, x):
    last = family["forward"](family["c"], weights, x)[-1][len(QUESTION):]
    return {"hidden": f.floats([last]), "logits": f.floats([last[-1] @ weights[family["embedding"]].T])}


def cases():
    gpt2, llama = FAMILIES["gpt2"], FAMILIES["llama"]

    listed = Listed(3001)
    w = model_of(gpt2, listed, V + 3, "codi.base_model.model.", True)
    listed.again("codi.base_model.model.lm_head.weight", "codi.base_model.model.transformer.wte.weight")
    prj = perceptron(listed, "prj.", ("1", "3", "ln"), 20)
    yield "codi", "CODI GPT-2", "pytorch_model.bin", gpt2, {}, listed, outputs(gpt2, w, recurrent(gpt2, w, V + 1, V + 2, prj))

    listed = Listed(3002)
    w = model_of(llama, listed, V + 3, "codi.base_model.model.", True)
    prj = perceptron(listed, "prj.", ("1", "3", None), H)
    for name, shape, shift, one in gpt2_tensors(V):
        listed.add("decoder." + name, shape, shift, one)
    listed.add("pj_in.weight", (H, H))
    yield "codi", "SIM-CoT on CODI, Llama", "model.safetensors", llama, {"config.json": None}, listed, outputs(
        llama, w, recurrent(llama, w, V + 1, V + 2, prj))

    listed = Listed(3003)
    w = model_of(llama, listed, V + 3, "codi.", False, "bf16")
    yield "codi", "CODI without LoRA and projection", "model.safetensors", llama, {}, listed, outputs(
        llama, w, recurrent(llama, w, V + 1, V + 2, lambda h: h))

    listed = Listed(3004)
    w = model_of(gpt2, listed, V + 3, "base_causallm.", False, "f32")
    listed.again("base_causallm.lm_head.weight", "base_causallm.transformer.wte.weight")
    for name, shape, shift, one in gpt2_tensors(V):
        listed.add("expainable_llm." + name, shape, shift, one, "f32")
    listed.again("embedding.weight", "base_causallm.transformer.wte.weight")
    yield "coconut", "Coconut, with SIM-CoT’s decoder", "checkpoint_28", gpt2, {}, listed, outputs(
        gpt2, w, recurrent(gpt2, w, V, V + 1, lambda h: h))

    listed = Listed(3005)
    rows = 40
    w = model_of(llama, listed, rows, "_base_model.", False, "bf16")
    run = perceptron(listed, "recurrent_filter.", ("input_layer", "output_layer", "norm"), H, "bf16")
    settings = {"start_token_id": V, "end_token_id": V + 1, "continue_token_id": V + 2, "stop_token_id": V + 3,
                "recurrent_filter_mode": "MLP", "detach_binary_head_inputs": False, "lora_mode": False, "binary_head_temp": 0.5,
                "add_latent_to_end": False, "unused_token_ids": list(range(V + 4, rows)), "debug_mode": False}
    config = {**llama["config"], "vocab_size": rows, "architectures": ["LatentThinkingModel"],
              "_inserted_LatentThinkingModelSettings": settings}
    result = outputs(llama, w, recurrent(llama, w, V, V + 1, run))
    # The binary head, after START and after every thought: the output embedding's rows of CONTINUE and STOP, over the temperature.
    last = llama["forward"](llama["c"], w, recurrent(llama, w, V, V + 1, run))[-1]
    decided = last[len(QUESTION) : len(QUESTION) + 1 + THOUGHTS] @ w[llama["embedding"]][[V + 2, V + 3]].T / 0.5
    result["odds"] = f.floats([decided[:, 1] - decided[:, 0]])
    yield "adaptive", "adaptive latent reasoning", "model.safetensors", llama, {"config.json": config}, listed, result


def pccot():
    """A PEFT folder: LoRA on the linears, replaced rows of the embedding, with or without the grown embedding."""
    gpt2 = FAMILIES["gpt2"]
    bot, eot, latent, pad, eos = V, V + 1, V + 2, V + 3, 0
    indices = [bot, eot, latent, pad, eos]
    for number, whole in enumerate([True, False]):
        base = Listed(3100)
        w = model_of(gpt2, base, V, "", False, "f32")
        listed = Listed(3101 + number)
        for i in range(L):
            for m in gpt2["linears"]:
                key = f"transformer.h.{i}.{m}"
                width, out = w[key + ".weight"].shape
                a = listed.add(f"base_model.model.{key}.lora_A.weight", (RANK, width), 7, dtype="f32")
                b = listed.add(f"base_model.model.{key}.lora_B.weight", (out, RANK), 7, dtype="f32")
                w[key + ".weight"] = w[key + ".weight"] + (32 / RANK * b @ a).T
        rows = torch.zeros(V + 4, H)
        rows[:V] = w["transformer.wte.weight"]
        delta = listed.add("base_model.model.transformer.wte.token_adapter.trainable_tokens_delta", (5, H), 7, dtype="f32")
        if whole:
            rows[:] = listed.add("base_model.model.transformer.wte.token_adapter.base_layer.weight", (V + 4, H), 7)
            listed.again("base_model.model.lm_head.token_adapter.base_layer.weight",
                         "base_model.model.transformer.wte.token_adapter.base_layer.weight")
            listed.again("base_model.model.lm_head.token_adapter.trainable_tokens_delta",
                         "base_model.model.transformer.wte.token_adapter.trainable_tokens_delta")
        rows[indices] = delta
        w["transformer.wte.weight"] = rows
        files = {
            "adapter_config.json": {
                "peft_type": "LORA", "task_type": None, "auto_mapping": {"base_model_class": "PCCoTGPT2LMHeadModel",
                                                                        "parent_library": "models.modeling_gpt2"},
                "base_model_name_or_path": "gpt2", "r": RANK, "lora_alpha": 32, "lora_dropout": 0.1,
                "target_modules": ["c_attn", "c_fc", "c_proj"], "modules_to_save": None, "fan_in_fan_out": True, "bias": "none",
                "init_lora_weights": True, "trainable_token_indices": {"wte": indices}},
            "config.json": {**gpt2["config"], "model_type": "pccot-gpt2", "vocab_size": V + 4, "loss_alpha": 1, "loss_beta": 1,
                            "loss_gamma": 1, "use_layerwise_std": True, "use_projection": False, "num_iterations": 3},
            "pccot_args.json": {"bot_token_id": bot, "eot_token_id": eot, "latent_token_id": latent, "label_pad_token_id": -100,
                                "answer_prompt": "The answer is:", "num_latent_tokens": 5, "use_peft": True, "lora_r": RANK,
                                "lora_alpha": 32, "lora_dropout": 0.1, "lora_target_modules": "c_attn-c_fc-c_proj",
                                "lora_modules_to_save": ""},
        }
        name = "PCCoT GPT-2" + ("" if whole else " without the grown embedding")
        yield name, base, files, listed, outputs(gpt2, w, jacobi(gpt2, w, bot, latent, eot, 5, 3))


# ---- torch.save -------------------------------------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return os.system, ("echo executed",)


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def pickles():
    torch.manual_seed(1)
    shared = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    state = collections.OrderedDict(a=shared, b=shared[1:], half=torch.tensor([1.5, -2.0]).half(), brain=torch.tensor([[0.25]]).bfloat16(),
                                    count=torch.tensor(7), parameter=torch.nn.Parameter(torch.ones(2)), empty=torch.zeros(0, 3))
    module = torch.nn.Linear(2, 3).double()
    return {
        "state": saved(state),
        "module": saved(module.state_dict()),
        "transposed": saved({"a": shared.T}),
        "evil": saved({"a": Evil()}),
        "object": saved(torch.nn.Linear(1, 1)),
        "nested": saved({"model": {"a": shared}, "epoch": 3}),
        "number": saved({"a": shared, "epoch": 3}),
        "old": saved({"a": shared}, _use_new_zipfile_serialization=False),
    }


if __name__ == "__main__":
    out = {"question": QUESTION, "after": AFTER, "releases": [], "pccot": [], "pickles": pickles()}
    for layout, name, file, family, files, listed, result in cases():
        out["releases"].append({"layout": layout, "name": name, "file": file, "base": family["config"], "files": files,
                                "seed": listed.seed, "tensors": listed.listed, **result})
    for name, base, files, listed, result in pccot():
        out["pccot"].append({"name": name, "base": {"config": FAMILIES["gpt2"]["config"], "seed": base.seed, "tensors": base.listed}, "files": files,
                             "seed": listed.seed, "tensors": listed.listed, **result})
    path = pathlib.Path(__file__).parents[3] / "src/engine/session/models/releases.golden.json"
    path.write_text(json.dumps(out, separators=(",", ":"), ensure_ascii=False) + "\n")
    print(path.name, len(out["releases"]) + len(out["pccot"]), "students,", path.stat().st_size, "bytes")
