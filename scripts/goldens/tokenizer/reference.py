"""Ids and texts by the Rust library `tokenizers`, the reference implementation. Left out where it is not installed:

    pip install tokenizers==0.23.2
    python3 scripts/goldens/tokenizer/reference.py    (LORI_SHARED, else ../shared, for the real tokenizers)

Writes, beside the tokenizer's tests:
- variants.golden.json: the small tokenizers of testing/ with other pieces, each on every text. `add` are further added
  tokens, `set` other pieces, `model` other fields of the model. A row is [ids, ids without special tokens (null where the
  same), what those decode to with special tokens shown (null where it is the text)].
- tokenizer.golden.json: the real tokenizers. `ids` is with special tokens, `text` what those ids decode to without them.
"""

import copy
import json
import os
import pathlib
import sys

try:
    from tokenizers import Tokenizer
except ImportError:
    print("skipped: needs pip install tokenizers==0.23.2")
    sys.exit()

root = pathlib.Path(__file__).resolve().parents[3]
shared = pathlib.Path(os.environ.get("LORI_SHARED", root.parent / "shared"))
out = root / "src/engine/tokenizer"

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

# Texts of the variants: short, each for something that ports get wrong.
SHORT = [
    "",
    "  two  spaces ",
    "It's 1234567, isn't IT? I'LL",
    "line\r\nnext\n\n  in\tTab ",
    "café Ångström ﬁ ½ ² ٣ e\u0301",
    "数学 3.14 한국",
    "a<mask> b <mask> c",
    "x <sep>  y",
    "zapplez zapplezs pinezapplez zapplez.",
    "  <both>  z\u00e9zapplez",
    "Lilyzq LILYZQ TomZQ TOMZQ",
    "👩‍👧 🇩🇪",
    "$1,200.50 and −7 °C",
    "<|im_start|>user\nhi<|im_end|>",
    "</s><s>a</s> b",
    "▁under_score a$&b",
    "\u00a0nb\u2003em\u200bz\ufeff\u0085w",
    "AAAAAAAA ΟΔΟΣ",
    "<<12+7=19>> 42",
    "a\u200db é_1!?",
]


def flags(index, content, **more):
    plain = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    return dict(id=index, content=content, **{**plain, **more})


def pre(*parts):
    return dict(type="Sequence", pretokenizers=list(parts))


def split(pattern, behavior="Isolated", invert=False):
    return dict(type="Split", pattern=dict(Regex=pattern), behavior=behavior, invert=invert)


def byte_level(add_prefix_space=False, use_regex=False):
    return dict(type="ByteLevel", add_prefix_space=add_prefix_space, trim_offsets=True, use_regex=use_regex)


def template(*single, special):
    items = [{"Sequence": {"id": "A", "type_id": 0}} if s == "A" else {"SpecialToken": {"id": s, "type_id": 0}} for s in single]
    pair = [*items, {"Sequence": {"id": "B", "type_id": 1}}]
    known = {t: dict(id=t, ids=ids, tokens=[t] * len(ids)) for t, ids in special.items()}
    return dict(type="TemplateProcessing", single=items, pair=pair, special_tokens=known)


base = {n: json.loads((out / "testing" / f"{n}.json").read_text("utf-8")) for n in ("qwen-cut", "smollm-cut", "sentencepiece")}
Q, S, P = (len(base[n]["model"]["vocab"]) for n in ("qwen-cut", "smollm-cut", "sentencepiece"))
LLAMA3 = base["qwen-cut"]["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"].replace("\\p{N}|", "\\p{N}{1,3}|")
CJK = "[一-龥぀-ゟ゠-ヿ]+"
R1 = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
END = "<|endoftext|>"

variants = {
    "qwen": ("qwen-cut", {}),
    "smollm": ("smollm-cut", {}),
    "sentencepiece": ("sentencepiece", {}),
    "llama3": (
        "qwen-cut",
        dict(
            set=dict(
                normalizer=None,
                pre_tokenizer=pre(split(LLAMA3), byte_level()),
                post_processor=dict(type="Sequence", processors=[byte_level(True, True), template(END, "A", special={END: [Q]})]),
            ),
            model=dict(ignore_merges=True),
        ),
    ),
    "gpt2": ("smollm-cut", dict(set=dict(pre_tokenizer=byte_level(False, True), post_processor=byte_level(True)))),
    "gpt2, space in front": ("smollm-cut", dict(set=dict(pre_tokenizer=byte_level(True, True)))),
    "qwen3, tokens that are not special": ("qwen-cut", dict(add=[flags(Q + 3 + i, t, special=False) for i, t in enumerate(["zapplez", "ΟΔΟΣ", "é"])])),
    "deepseek": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(split(r"[\r\n]"), split(r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿ]+"), split(r"\s+$"), split(CJK), dict(type="Digits", individual_digits=True), byte_level())))),
    "deepseek r1": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(split(r"\p{N}{1,3}"), split(CJK), split(R1), byte_level())))),
    "flags of added tokens": (
        "smollm-cut",
        dict(add=[flags(S, "<mask>", lstrip=True), flags(S + 1, "<sep>", rstrip=True), flags(S + 2, "zapplez", single_word=True, special=False, normalized=True), flags(S + 3, "<both>", lstrip=True, rstrip=True)]),
    ),
    "added tokens, normalized": (
        "smollm-cut",
        dict(set=dict(normalizer=dict(type="Sequence", normalizers=[dict(type="NFKC"), dict(type="Lowercase")])), add=[flags(S, "lilyzq", special=False, normalized=True), flags(S + 1, "TomZQ", special=False), flags(S + 2, "<Mask>", lstrip=True, normalized=True)]),
    ),
    "added tokens, numbered otherwise": ("smollm-cut", dict(add=[flags(900, "<mask>"), flags(S, "<sep>"), flags(7, "a", special=False)])),
    "accents": ("smollm-cut", dict(set=dict(normalizer=dict(type="Sequence", normalizers=[dict(type="NFD"), dict(type="StripAccents"), dict(type="Strip", strip_left=True, strip_right=False)])))),
    "replace with a dollar": ("smollm-cut", dict(set=dict(normalizer=dict(type="Replace", pattern=dict(Regex=r"[a-z]\b"), content="$&")))),
    **{
        f"split, {behavior}": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(split(r"[a-z\d,]", behavior), byte_level()))))
        for behavior in ("Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    },
    "split, inverted": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(split(r"\p{L}+|\s+", "Removed", True), byte_level())))),
    "split at a text": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(dict(type="Split", pattern=dict(String="$"), behavior="MergedWithNext", invert=False), byte_level())))),
    "punctuation": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(dict(type="Punctuation", behavior="Contiguous"), byte_level())))),
    "words": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(split(r"\w+|[^\w\s]+"), byte_level())))),
    "white space": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(dict(type="Whitespace"), byte_level())))),
    "white space, split": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(dict(type="WhitespaceSplit"), byte_level())))),
    "digits together": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(dict(type="Digits", individual_digits=False), byte_level())))),
    "fixed length": ("smollm-cut", dict(set=dict(pre_tokenizer=pre(dict(type="FixedLength", length=3), byte_level())))),
    **{
        f"metaspace, {scheme}, {'split' if cut else 'whole'}": (
            "sentencepiece",
            dict(set=dict(normalizer=None, **{k: dict(type="Metaspace", replacement="▁", prepend_scheme=scheme, split=cut) for k in ("pre_tokenizer", "decoder")})),
        )
        for scheme in ("always", "first", "never")
        for cut in (True, False)
    },
    "metaspace, old": ("sentencepiece", dict(set=dict(normalizer=None, **{k: dict(type="Metaspace", replacement="▁", add_prefix_space=True) for k in ("pre_tokenizer", "decoder")}))),
    "no bytes": ("sentencepiece", dict(model=dict(byte_fallback=False))),
    "no bytes, unknown one by one": ("sentencepiece", dict(model=dict(byte_fallback=False, fuse_unk=False))),
    "no bytes, words": ("sentencepiece", dict(set=dict(normalizer=None, pre_tokenizer=dict(type="WhitespaceSplit"), decoder=None), model=dict(byte_fallback=False))),
    "end of a word": ("sentencepiece", dict(set=dict(normalizer=None, pre_tokenizer=dict(type="WhitespaceSplit"), decoder=dict(type="BPEDecoder", suffix="▁")), model=dict(end_of_word_suffix="▁"))),
    "strip": ("sentencepiece", dict(set=dict(decoder=dict(type="Sequence", decoders=[dict(type="Strip", content="a", start=0, stop=1), dict(type="ByteFallback")])))),
    "both ends": ("sentencepiece", dict(set=dict(post_processor=template("<s>", "A", "</s>", special={"<s>": [1], "</s>": [2, 2]})))),
    "bert": ("sentencepiece", dict(set=dict(post_processor=dict(type="BertProcessing", sep=["</s>", 2], cls=["<s>", 1])))),
    "roberta": ("sentencepiece", dict(set=dict(post_processor=dict(type="RobertaProcessing", sep=["</s>", 2], cls=["<s>", 1], trim_offsets=True, add_prefix_space=False)))),
}


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


lines = [f'"texts": {dump(SHORT)}']
for name, (of, patch) in variants.items():
    file = {"version": "1.0", **copy.deepcopy(base[of])}
    file.update(patch.get("set", {}))
    file["model"].update(patch.get("model", {}))
    file["added_tokens"] += patch.get("add", [])
    reference = Tokenizer.from_str(json.dumps(file))
    rows = []
    for text in SHORT:
        ids = reference.encode(text).ids
        plain = reference.encode(text, add_special_tokens=False).ids
        back = reference.decode(plain, skip_special_tokens=False)
        rows.append([ids, None if plain == ids else plain, None if back == text else back])
    lines.append(f'{dump(name)}: {{"base":{dump(of)},"patch":{dump(patch)},"rows":[\n' + ",\n".join(map(dump, rows)) + "]}")
(out / "variants.golden.json").write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")

lines = ['"texts": ' + json.dumps(TEXTS)]
for name, place in PLACES.items():
    tokenizer = Tokenizer.from_file(str(shared / place / "tokenizer.json"))
    rows = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        rows.append(json.dumps({"ids": ids, "text": tokenizer.decode(ids)}))
    lines.append(f'"{name}": {{"vocabSize": {tokenizer.get_vocab_size()}, "rows": [\n  ' + ",\n  ".join(rows) + "]}")
(out / "tokenizer.golden.json").write_text("{" + ",\n".join(lines) + "}\n")
