"""Ids of GSM8K questions by an independent byte-level BPE (_bpe.py).

Writes, beside the tokenizer's tests:
- testing/qwen-cut.json, testing/smollm-cut.json: the real tokenizers with their first merges only, small enough to commit;
- testing/sentencepiece.json: a tokenizer of SentencePiece's form, its merges counted over some questions;
- questions.golden.json: ids of 24 questions by the cut tokenizers; by the real ones, which are not committed, the SHA-256
  of the ids of 1,000 questions, in ten parts.

    python3 scripts/goldens/tokenizer/questions.py    (LORI_SHARED, else ../shared, has tokenizers/ and data/)
"""

import collections
import hashlib
import json
import os
import pathlib

from _bpe import BYTE_CHARS, ByteLevelBpe

root = pathlib.Path(__file__).resolve().parents[3]
shared = pathlib.Path(os.environ.get("LORI_SHARED", root.parent / "shared"))
out = root / "src/engine/tokenizer"
NAMES = {"qwen": "qwen2.5", "smollm": "smollm2"}
MERGES = 320
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

with open(shared / "data/gsm8k-train-1024.jsonl", encoding="utf-8") as file:
    questions = [json.loads(line)["question"] for line in file][:1000]
real = {
    short: json.loads((shared / "tokenizers" / name / "tokenizer.json").read_text("utf-8"))
    for short, name in NAMES.items()
}


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def flags(index, content, **more):
    plain = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    return dict(id=index, content=content, **{**plain, **more})


def write(name, tokenizer):
    """One line for each part, so that a change is readable."""
    model = {k: v for k, v in tokenizer["model"].items() if k not in ("vocab", "merges")}
    model = {**model, "vocab": tokenizer["model"]["vocab"], "merges": tokenizer["model"]["merges"]}
    lines = [f"{dump(k)}: {dump(v)}" for k, v in tokenizer.items() if k != "model"]
    lines.append('"model": {' + ",\n".join(f"{dump(k)}: {dump(v)}" for k, v in model.items()) + "}")
    (out / "testing" / f"{name}.json").write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


def cut(tokenizer):
    """The alphabet and the first merges, numbered anew; special tokens where they were, first or last."""
    merges = tokenizer["model"]["merges"][:MERGES]
    pairs = [m.split(" ") if isinstance(m, str) else m for m in merges]
    tokens = [*BYTE_CHARS.values(), *dict.fromkeys(a + b for a, b in pairs)]
    first = SPECIAL[0] in tokenizer["model"]["vocab"]
    tokens = [*SPECIAL, *tokens] if first else tokens
    ids = {token: i for i, token in enumerate(tokens)}
    added = [flags(ids.get(t, len(tokens) + i), t) for i, t in enumerate(SPECIAL)]
    return {**tokenizer, "added_tokens": added, "model": {**tokenizer["model"], "vocab": ids, "merges": merges}}


def sentencepiece():
    """Merges by plain counting over words, as BPE is trained."""
    mark = "\u2581"
    counted = collections.Counter(w for q in questions[:200] for w in q.split())
    split = {w: [mark, *w] for w in counted}
    chars = sorted({c for w in counted for c in w})
    merges = []
    for _ in range(160):
        pairs = collections.Counter()
        for word, n in counted.items():
            for pair in zip(split[word], split[word][1:]):
                pairs[pair] += n
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(" ".join(best))
        for parts in split.values():
            for i in range(len(parts) - 2, -1, -1):
                if tuple(parts[i : i + 2]) == best:
                    parts[i : i + 2] = ["".join(best)]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), mark, *chars]
    tokens += [merge.replace(" ", "") for merge in merges]
    single = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "added_tokens": [flags(i, t) for i, t in enumerate(tokens[:3])],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": mark},
                {"type": "Replace", "pattern": {"String": " "}, "content": mark},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": mark}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": merges,
        },
    }


def hash_of(rows):
    """SHA-256 of the ids as decimal numbers, a space between two, each row ended by a line break."""
    return hashlib.sha256("".join(" ".join(map(str, ids)) + "\n" for ids in rows).encode()).hexdigest()


golden = {"questions": questions[:24]}
for name, tokenizer in real.items():
    small = cut(tokenizer)
    write(f"{name}-cut", small)
    bpe = ByteLevelBpe(small)
    golden[f"{name}-cut"] = [bpe.encode(q) for q in golden["questions"]]
    whole = ByteLevelBpe(tokenizer)
    rows = [whole.encode(q) for q in questions]
    golden[NAMES[name]] = {
        "tokens": sum(map(len, rows)),
        "sha256": [hash_of(rows[i : i + 100]) for i in range(0, 1000, 100)],
    }
write("sentencepiece", sentencepiece())
lines = [f"{dump(k)}: " + ("[\n" + ",\n".join(map(dump, v)) + "]" if isinstance(v, list) else dump(v)) for k, v in golden.items()]
(out / "questions.golden.json").write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
