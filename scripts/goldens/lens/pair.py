"""Prints figure 6 of the bundled pair: the teacher's hidden states on rationales, and the base's latents, in float64.

    /usr/bin/python3 scripts/goldens/lens/pair.py

writes src/engine/session/lens/figure6-pair.golden.json. The problems are drawn by the engine's generator (the test compares
their texts with what the page draws) and tokenized here, from tokenizer.json.
"""
import json
import os
import re
import sys

from _llama import Llama, fingerprint, report, rounded

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../.."))
MODELS = os.path.join(ROOT, "models")
OUT = os.path.join(ROOT, "src/engine/session/lens/figure6-pair.golden.json")
PROMPT = "The answer is:"
LATENTS = 5
IDS = ["train-0", "train-7", "train-100", "train-4000", "held-out-3"]

with open(os.path.join(MODELS, "base/tokenizer.json")) as f:
    TOKENIZER = json.load(f)


def drawn(ids):
    """The problems of these ids, `train-7`, of the manifest's seed and numbers of steps."""
    sys.path.insert(0, os.path.join(ROOT, "scripts/train"))
    from data import problems

    with open(os.path.join(MODELS, "manifest.json")) as f:
        data = json.load(f)["data"]
    places = [id.rsplit("-", 1) for id in ids]
    found = {}
    for split in {split for split, _ in places}:
        count = 1 + max(int(at) for s, at in places if s == split)
        found[split] = problems(data["seed"], count, data["minSteps"], data["maxSteps"], split)
    return [{"id": f"{split}-{at}", **{k: found[split][int(at)][k] for k in ("question", "steps", "answer")}} for split, at in places]


def encode(text):
    """Spaces become ▁, one is prepended, the pattern splits, and every piece is a word in the vocabulary."""
    for rule in TOKENIZER["normalizer"]["normalizers"]:
        if rule["type"] == "Strip":
            text = text.strip()
            continue
        pattern = rule["pattern"].get("Regex") or re.escape(rule["pattern"]["String"])
        if pattern.startswith("(?<="):
            # Python wants alternatives of one width in each look-behind.
            pattern = "|".join(f"(?<={one})" for one in pattern[4:-1].split("|"))
        text = re.sub(pattern, rule["content"], text)
    text = text.replace(" ", "▁")
    if not text.startswith("▁"):
        text = "▁" + text
    pattern = TOKENIZER["pre_tokenizer"]["pretokenizers"][1]["pattern"]["Regex"]
    pieces = re.findall(pattern, text)
    assert "".join(pieces) == text, text
    return [TOKENIZER["model"]["vocab"][piece] for piece in pieces]


if __name__ == "__main__":
    problems = drawn(IDS)
    teacher, base = Llama(os.path.join(MODELS, "teacher")), Llama(os.path.join(MODELS, "base"))
    # Hidden states of whole passes, and of their rationales and latents alone.
    explicit, latent, rationales, thoughts = [], [], [], []
    for p in problems:
        question, rationale = encode(p["question"]), encode(" ".join(p["steps"]))
        after = encode(PROMPT) + encode(p["answer"])
        n = len(question)
        explicit.append(teacher.read(question + rationale + after))
        rationales.append(explicit[-1][n : n + len(rationale)])
        latent.append(base.think(question, LATENTS, after))
        thoughts.append(latent[-1][n : n + LATENTS])
    text = (
        json.dumps(
            rounded(
                {
                    "by": "numpy and scipy, float64",
                    "problems": problems,
                    "rationale": report(rationales),
                    "latent": report(thoughts),
                    # Everything of one sample, both passes: positions of any section.
                    "explicitPass": fingerprint(explicit[0]),
                    "latentPass": fingerprint(latent[0]),
                }
            ),
            ensure_ascii=False,
        )
    )
    with open(OUT, "w") as f:
        f.write(text + "\n")
