"""Measures the pair in a folder and writes its manifest.json:

    /usr/bin/python3 scripts/train/manifest.py models --about about.json

about.json holds what cannot be measured: the commands and the description of the data.
"""
import argparse
import json
import math
import os

import torch

from data import problems
from llama import load, sha256
from pretrain import answered, generate

FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def told(outcomes):
    """A share with its 95 % interval, the binomial's by its normal approximation."""
    n, p = len(outcomes), sum(outcomes) / len(outcomes)
    return f"{100 * p:.1f} % ± {196 * math.sqrt(p * (1 - p) / n):.1f} (n = {n})"


def measure(model, rows):
    """What greedy decoding answers after the question alone, in all and by number of steps, and with the answer prompt
    forced straight after it."""
    steps = [len(p["stepIds"]) for p in rows]
    out = []
    for what, new in (("explicit chain of thought", generate(model, rows)),
                      ("no chain of thought", generate(model, rows, lambda p: p["promptIds"], 3))):
        right = [answered(p, g) for p, g in zip(rows, new)]
        out.append({"what": f"accuracy, {what}", "value": told(right)})
        out += [{"what": f"accuracy, {what}, {n} step{'s' if n > 1 else ''}",
                 "value": told([r for r, s in zip(right, steps) if s == n])} for n in sorted(set(steps))]
    return out


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
    rows = problems(7, o.held, min_steps, max_steps, "held-out", f"{o.folder}/base")
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
