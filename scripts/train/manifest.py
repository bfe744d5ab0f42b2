"""Measures the pair in a folder and writes its manifest.json:

    /usr/bin/python3 scripts/train/manifest.py models --about about.json

about.json holds what cannot be measured: the commands and the description of the data.
"""
import argparse
import json
import os

import torch

from data import problems
from llama import load, sha256
from pretrain import answered, generate
from student import interval

FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def measure(model, rows):
    """What greedy decoding answers after the question alone, and with the answer prompt forced straight after it."""
    n = len(rows)
    share = lambda new: sum(answered(p, g) for p, g in zip(rows, new)) / n
    told = lambda p: f"{100 * p:.1f} % ± {100 * interval(p, n):.1f} (n = {n})"
    cot, direct = share(generate(model, rows)), share(generate(model, rows, lambda p: p["promptIds"], 3))
    return [{"what": "accuracy, explicit chain of thought", "value": told(cot)},
            {"what": "accuracy, no chain of thought", "value": told(direct)}]


if __name__ == "__main__":
    a = argparse.ArgumentParser()
    a.add_argument("folder")
    a.add_argument("--about", required=True)
    a.add_argument("--held", type=int, default=1000)
    a.add_argument("--threads", type=int, default=1)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    with open(o.about) as f:
        about = json.load(f)
    min_steps, max_steps = about["data"]["minSteps"], about["data"]["maxSteps"]
    rows = problems(7, o.held, min_steps, max_steps, "held-out")
    out = {}
    for role in ("base", "teacher"):
        files = [{"name": name, "bytes": os.path.getsize(path), "sha256": sha256(path)}
                 for name in FILES for path in [f"{o.folder}/{role}/{name}"]]
        model = load(f"{o.folder}/{role}")
        out[role] = {"name": about[role]["name"], "folder": role, "licence": "MIT",
                     "parameters": sum(x.numel() for x in model.w.values()), "trained": about[role]["trained"],
                     "command": about[role]["command"], "files": files, "measured": measure(model, rows)}
    out["data"] = about["data"]
    out["sequences"] = {key: max(map(length, rows)) for key, length in {
        "longestQuestion": lambda p: len(p["questionIds"]), "longestRationale": lambda p: sum(map(len, p["stepIds"])),
        "answerPrompt": lambda p: len(p["promptIds"]), "answerAndEnd": lambda p: len(p["answerIds"]) + 1}.items()}
    with open(f"{o.folder}/manifest.json", "w") as f:
        f.write(json.dumps(out, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps({r: out[r]["measured"] for r in ("base", "teacher")}, indent=1), out["sequences"])
