"""Writes tokenizer.golden.json: ids by the Rust `tokenizers` package, the reference implementation.

    pip install tokenizers==0.23.2
    python src/engine/tokenizer/golden.py ../shared

The folder holds tokenizers/qwen2.5, tokenizers/smollm2 and checkpoints/stories260K, each with a tokenizer.json.
`ids` is with special tokens, `text` what those ids decode to, special tokens left out.
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer

TEXTS = [
    "Once upon a time, there was a little girl named Lily.",
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.",
    "<<48/2=24>> <<48+24=72>>\nThe answer is: 72",
    "She'd said it's 1,234.5% — don't we'll THEY'RE",
    "  two  spaces\n\n\ttabs \r\n trailing ",
    "naïve café Ångström ﬁ ½ Straße",
    "数学問題：三加四等於七。",
    "مرحبا بالعالم שלום",
    "👩‍👩‍👧‍👦 🇫🇷 e\u0301 \u200b\u00a0x",
    "def f(x):\n    return x**2 + 3*x - 1  # café",
    "<|im_start|>user\nhi<|im_end|>\n<s>text</s><|endoftext|>",
    "12345678901234567890 0.001 -7 $5.00",
    " ",
    "a",
    "Ⅷ x²+½y³ ①٣३",
    "𝕏 \u0007 \x00 \ufffd",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "__proto__ constructor toString hasOwnProperty",
]
PLACES = {
    "qwen2.5": "tokenizers/qwen2.5",
    "smollm2": "tokenizers/smollm2",
    "stories260K": "checkpoints/stories260K",
}

shared = pathlib.Path(sys.argv[1])
out = {}
for name, place in PLACES.items():
    tokenizer = Tokenizer.from_file(str(shared / place / "tokenizer.json"))
    rows = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        rows.append({"ids": ids, "text": tokenizer.decode(ids)})
    out[name] = {"vocabSize": tokenizer.get_vocab_size(), "rows": rows}
target = pathlib.Path(__file__).with_name("tokenizer.golden.json")
lines = [json.dumps("texts") + ": " + json.dumps(TEXTS)]
for name, value in out.items():
    rows = ",\n  ".join(json.dumps(row) for row in value["rows"])
    lines.append(f'"{name}": {{"vocabSize": {value["vocabSize"]}, "rows": [\n  {rows}]}}')
target.write_text("{" + ",\n".join(lines) + "}\n")
