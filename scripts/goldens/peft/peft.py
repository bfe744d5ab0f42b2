"""Tiny random base models with PEFT adapters of every option that is honoured, run in float64 by torch: writes
src/engine/session/models/adapters.golden.json, and the tensors of the first as torch.save writes them (adapter_model.bin):
adapter-pickle.golden.json. Run: /usr/bin/python3 scripts/goldens/peft/peft.py

Bases, forward passes and the generator of weights are those of ../families/families.py; the adapters' tensors come from the
same generator, in the order they are listed. PEFT itself is not used: what it computes is written here from its documentation.
LoRA is y = W x + b + s·B A x, with s = alpha / r or alpha / sqrt(r), for GPT-2's Conv1D with W transposed.
"""
import base64
import io
import json
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "families"))
import families as f  # noqa: E402
import torch  # noqa: E402

MODEL = "base_model.model."


class Adapter:
    """An adapter's tensors in the order they are listed, and the weights with it."""

    def __init__(self, seed, weights):
        self.generator = f.Generator(seed)
        self.listed = []
        self.saved = {}
        self.weights = weights
        self.merged = dict(weights.tensors)

    def tensor(self, name, shape, shift=7):
        self.listed.append({"name": name, "shape": list(shape), "shift": shift, "one": False, "leftover": False})
        self.saved[name] = self.generator.values(shape, shift, False)
        return self.saved[name]

    def lora(self, module, rank, scale, conv1d=False, bias=False, body=""):
        """ΔW on the module; `body` is what the adapter's names lack."""
        key = body + module + ".weight"
        w = self.weights[key]
        out, width = (w.shape[1], w.shape[0]) if conv1d else w.shape
        a = self.tensor(f"{MODEL}{module}.lora_A.weight", (rank, width))
        b = self.tensor(f"{MODEL}{module}.lora_B.weight", (out, rank))
        delta = scale * b @ a
        self.merged[key] = self.merged[key] + (delta.T if conv1d else delta)
        if bias:
            self.merged[body + module + ".bias"] = self.merged[body + module + ".bias"] + scale * self.tensor(
                f"{MODEL}{module}.lora_B.bias", (out,))

    def replace(self, name, shape=None, key=None, shift=7):
        key = key or name
        self.merged[key] = self.tensor(MODEL + name, shape or self.weights[key].shape, shift)

    def rows(self, module, rows, total):
        """PEFT's trainable tokens: whole rows in place of old ones, or after them."""
        delta = self.tensor(f"{MODEL}{module}.token_adapter.trainable_tokens_delta", (len(rows), f.H))
        old = self.weights[module + ".weight"]
        grown = torch.zeros(total, f.H)
        grown[: len(old)] = old
        grown[rows] = delta
        self.merged[module + ".weight"] = grown

    def __getitem__(self, name):
        return self.merged[name]

    def get(self, name):
        return self.merged.get(name)


def run(c, w, text):
    forward = f.llama if c["family"] == "llama" else f.gpt2
    embedding = w["model.embed_tokens.weight"] if c["family"] == "llama" else w[c["prefix"] + "wte.weight"]
    head = w["lm_head.weight"] if "lm_head.weight" in w.merged else embedding
    rows, hidden = [], []
    for question, rest in zip(f.QUESTIONS, f.REST):
        x = embedding[question]
        states = forward(c, w, x)
        states = forward(c, w, torch.cat([x, states[-1][-1:], embedding[rest]]))
        hidden.append(torch.stack(states, 1))
        rows.append(states[-1] @ head.T)
    return {"ids": text, "text": f.floats([torch.stack(forward(c, w, embedding[text]), 1)]), "hidden": f.floats(hidden),
            "logits": f.floats(rows)}


LINEARS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
           "mlp.down_proj"]
CONVS = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]
LAYERS = [f"model.layers.{i}." for i in range(f.L)]
BLOCKS = [f"transformer.h.{i}." for i in range(f.L)]
BASIC = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "org/tiny", "inference_mode": True,
         "lora_dropout": 0.05, "bias": "none", "fan_in_fan_out": False, "modules_to_save": None, "init_lora_weights": True}


def ranks_by_pattern(a):
    # Names end at a dot: "1.self_attn.q_proj" is not "11.self_attn.q_proj".
    for n in LAYERS:
        a.lora(n + "self_attn.q_proj", 3 if n == LAYERS[1] else 4, 8 / (3 if n == LAYERS[1] else 4))
        a.lora(n + "self_attn.v_proj", 4, (5 if n == LAYERS[1] else 8) / 4)
        a.lora(n + "mlp.down_proj", 2, 8 / 2)
    return {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"],
            "rank_pattern": {"1.self_attn.q_proj": 3, "down_proj": 2}, "alpha_pattern": {r"^model\.layers\.[1-3]\..*v_proj": 5}}


def all_linears_rslora(a):
    for n in LAYERS:
        for m in LINEARS:
            a.lora(n + m, 5, 6 / math.sqrt(5))
    for key in [k for k in a.weights.tensors if k.endswith(".bias")]:
        module = key[: -len(".bias")]
        a.replace(module + ".base_layer.bias", key=key, shape=a.weights[key].shape, shift=9)
    return {"r": 5, "lora_alpha": 6, "use_rslora": True, "target_modules": "all-linear", "bias": "all"}


def head_of_its_own(a):
    a.lora(LAYERS[1] + "mlp.up_proj", 2, 1.0)
    a.replace("lm_head.weight", (f.V, f.H))
    a.replace("model.norm.weight", shift=6)
    return {"r": 2, "lora_alpha": 2, "target_modules": r"model\.layers\.\d+\.mlp\.(up|gate)_proj",
            "exclude_modules": ["gate_proj", "0.mlp.up_proj"], "modules_to_save": ["lm_head", "norm"]}


def last_layer(a):
    a.lora(LAYERS[1] + "self_attn.k_proj", 1, 16.0)
    return {"r": 1, "lora_alpha": 16, "target_modules": ["k_proj"], "layers_to_transform": [1], "layers_pattern": "layers"}


def conv1d(a):
    for n in BLOCKS:
        for m in CONVS:
            a.lora(n + m, 3, 12 / 3, conv1d=True)
    # PEFT goes by the module, whatever the flag says.
    return {"r": 3, "lora_alpha": 12, "target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": False}


def biases(a):
    for n in [b[len("transformer."):] for b in BLOCKS]:
        a.lora(n + "attn.c_attn", 2, 2.0, conv1d=True, bias=True)
        a.replace(n + "ln_1.weight", shift=6)
        a.replace(n + "ln_1.bias", shift=8)
    a.replace("ln_f.weight", shift=6)
    a.replace("ln_f.bias", shift=8)
    return {"r": 2, "lora_alpha": 4, "target_modules": ["c_attn"], "lora_bias": True, "modules_to_save": ["ln_f", "ln_1"],
            "fan_in_fan_out": True}


def more_tokens(a):
    for n in BLOCKS:
        a.lora(n + "attn.c_attn", 4, 0.5, conv1d=True)
    a.rows("transformer.wte", [f.V, 4, f.V + 2, f.V + 1], f.V + 3)
    a.merged.pop("lm_head.weight", None)
    return {"r": 4, "lora_alpha": 2, "target_modules": ["c_attn"], "fan_in_fan_out": True,
            "trainable_token_indices": {"wte": [f.V, 4, f.V + 2, f.V + 1]}}


def grown_embedding(a):
    a.lora(LAYERS[0] + "self_attn.o_proj", 2, 3.0)
    a.lora(LAYERS[1] + "self_attn.o_proj", 2, 3.0)
    a.replace("model.embed_tokens.weight", (f.V + 2, f.H))
    return {"r": 2, "lora_alpha": 6, "target_modules": ["o_proj"]}


CASES = [
    ("llama, ranks and alphas by pattern", "llama, tied head", ranks_by_pattern, f.TEXT),
    ("llama, all linears, rsLoRA, biases", "llama, attention_bias and mlp_bias", all_linears_rslora, f.TEXT),
    ("llama, an expression, a head of its own", "llama, tied head", head_of_its_own, f.TEXT),
    ("llama, one layer", "llama, head_dim of its own", last_layer, f.TEXT),
    ("llama, a grown embedding", "llama, tied head", grown_embedding, [4, 31, 7, 32, 0]),
    ("gpt2, Conv1D with a wrong flag", "gpt2, prefix transformer.", conv1d, f.TEXT),
    ("gpt2 without prefix, biases", "gpt2, no prefix, old buffers, n_inner", biases, f.TEXT),
    ("gpt2, tokens more and other ones", "gpt2, prefix transformer.", more_tokens, [4, 33, 7, 31, 32, 0]),
]

bases = {name: (number, c, config) for number, (name, c, config) in enumerate(f.cases())}
all_cases, saved = [], {}
for number, (name, base, make, text) in enumerate(CASES):
    base_number, c, config = bases[base]
    weights = (f.llama_weights if c["family"] == "llama" else f.gpt2_weights)(c, 1000 + base_number)
    adapter = Adapter(2000 + number, weights)
    options = {**BASIC, **make(adapter)}
    saved = saved or adapter.saved
    all_cases.append({"name": name, "base": base, "seed": 2000 + number, "config": options, "tensors": adapter.listed,
                      **run(c, adapter, text)})
out = pathlib.Path(__file__).parents[3] / "src/engine/session/models/adapters.golden.json"
out.write_text("[\n%s\n]\n" % ",\n".join(" " + json.dumps(case, separators=(",", ":")) for case in all_cases))
print(out.name, len(all_cases), "cases,", out.stat().st_size, "bytes")

# As PEFT before 0.7 does: torch.save(state_dict, "adapter_model.bin").
pickled = io.BytesIO()
torch.save({k: v.float() for k, v in saved.items()}, pickled)
out = out.with_name("adapter-pickle.golden.json")
out.write_text(json.dumps({"case": CASES[0][0], "file": base64.b64encode(pickled.getvalue()).decode()}) + "\n")
print(out.name, out.stat().st_size, "bytes")
