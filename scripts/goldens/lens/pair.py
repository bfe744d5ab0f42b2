"""Prints figure 6 of the bundled pair: the teacher's hidden states on rationales, and the base's latents, in float64.

    /usr/bin/python3 scripts/goldens/lens/pair.py > src/engine/session/lens/figure6-pair.golden.json

problems.json holds five problems as the engine's generator wrote them (the test compares their texts with what it writes
now); they are tokenized here, from tokenizer.json.
"""
import json
import os
import re

from _llama import Llama, fingerprint, report, rounded

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.normpath(os.path.join(HERE, "../../../models"))
PROMPT = "The answer is:"
LATENTS = 4

with open(os.path.join(MODELS, "base/tokenizer.json")) as f:
    TOKENIZER = json.load(f)


def encode(text):
    """Spaces become ▁, one is prepended, the pattern splits, and every piece is a word in the vocabulary."""
    for rule in TOKENIZER["normalizer"]["normalizers"]:
        pattern = rule["pattern"]
        text = re.sub(pattern.get("Regex") or re.escape(pattern["String"]), rule["content"], text)
    text = text.replace(" ", "▁")
    if not text.startswith("▁"):
        text = "▁" + text
    pattern = TOKENIZER["pre_tokenizer"]["pretokenizers"][1]["pattern"]["Regex"]
    pieces = re.findall(pattern, text)
    assert "".join(pieces) == text, text
    return [TOKENIZER["model"]["vocab"][piece] for piece in pieces]


if __name__ == "__main__":
    with open(os.path.join(HERE, "problems.json")) as f:
        problems = json.load(f)
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
    print(
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
