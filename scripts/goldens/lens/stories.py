"""Prints figure 6 of stories260K on three texts, in float64. The checkpoint is in the shared folder (LORI_SHARED).

    /usr/bin/python3 scripts/goldens/lens/stories.py > src/engine/session/lens/figure6-stories.golden.json

Tokenized here, from tokenizer.json: SentencePiece-like BPE with byte fallback.
"""
import json
import os

from _llama import Llama, report, rounded

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
FOLDER = os.path.join(os.environ.get("LORI_SHARED") or os.path.join(ROOT, "../shared"), "checkpoints/stories260K")
TEXTS = [
    "Once upon a time, there was a little girl named Lily.",
    "The dog ran to the big tree and barked at the cat. It was 9 o'clock!",
    "Tom’s café was 赤.",  # characters of several bytes, one of them not in the vocabulary
]


def encode(text, tokenizer):
    vocab = tokenizer["model"]["vocab"]
    ranks = {tuple(m.split(" ") if isinstance(m, str) else m): i for i, m in enumerate(tokenizer["model"]["merges"])}
    parts = list("▁" + text.replace(" ", "▁"))
    while True:
        pairs = [(ranks.get((a, b)), i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if (a, b) in ranks]
        if not pairs:
            break
        _, i = min(pairs)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    ids = [vocab["<s>"]]
    for part in parts:
        ids += [vocab[part]] if part in vocab else [vocab[f"<0x{byte:02X}>"] for byte in part.encode()]
    return ids


if __name__ == "__main__":
    with open(os.path.join(FOLDER, "tokenizer.json")) as f:
        tokenizer = json.load(f)
    model = Llama(FOLDER)
    ids = [encode(text, tokenizer) for text in TEXTS]
    result = {"by": "numpy and scipy, float64", "texts": TEXTS, "ids": ids, "text": report([model.read(i) for i in ids])}
    print(json.dumps(rounded(result), ensure_ascii=False))
