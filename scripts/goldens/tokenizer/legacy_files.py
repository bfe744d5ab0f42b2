"""What transformers makes of special_tokens_map.json and added_tokens.json beside a tokenizer.json: writes
src/engine/tokenizer/legacy-files.golden.json. Run by a Python that has transformers (4.57 and 5.18 were compared: they agree on these
cases): PYTHON=… npm run goldens -- legacy_files. Without transformers nothing is written.
"""
import json
import logging
import pathlib
import tempfile

try:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast
except ImportError:
    print("skipped: there is no transformers")
    raise SystemExit

logging.disable(logging.CRITICAL)
ROOT = pathlib.Path(__file__).parents[3] / "src/engine"
TOKENIZER = json.loads((ROOT / "testing/tiny-tokenizer.json").read_text())
CONFIG = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "unk_token": "<unk>"}
NEXT = 1 + max(TOKENIZER["model"]["vocab"].values())
TEXT = "Tom has <ONE> 3 <TWO> apples."

DECODER = {str(t.pop("id")): t for t in json.loads(json.dumps(TOKENIZER["added_tokens"]))}
CONFIGS = {
    "without a configuration": None,
    "with one that lists no added tokens": CONFIG,
    "with one that lists them": {**CONFIG, "added_tokens_decoder": DECODER},
}
FILES = {
    "neither": {},
    "a map of other tokens": {"special_tokens_map.json": {"bos_token": "▁has", "eos_token": {"content": "<pad>"}, "pad_token": "<pad>"}},
    "a map of new tokens": {"special_tokens_map.json": {"bos_token": "<ONE>", "pad_token": {"content": "<TWO>", "lstrip": True, "rstrip": True}}},
    "added tokens": {"added_tokens.json": {"<ONE>": NEXT, "<TWO>": NEXT + 1}},
    "added tokens that the map names": {
        "special_tokens_map.json": {"pad_token": "<ONE>"}, "added_tokens.json": {"<ONE>": NEXT, "<TWO>": NEXT + 1},
    },
    "added tokens that tokenizer.json has": {"added_tokens.json": {"<pad>": 0, "</s>": 1, "▁Tom": TOKENIZER["model"]["vocab"]["▁Tom"]}},
}


def read(config, files):
    with tempfile.TemporaryDirectory() as folder:
        named = {"tokenizer.json": TOKENIZER, "config.json": {"model_type": "bert"}, **files}
        if config is not None:
            named["tokenizer_config.json"] = config
        for name, value in named.items():
            pathlib.Path(folder, name).write_text(json.dumps(value))
        # Without a configuration the page takes this class too, whatever the model.
        tokenizer = (AutoTokenizer if config else PreTrainedTokenizerFast).from_pretrained(folder)
        ids = tokenizer(TEXT)["input_ids"]
        special = sorted(i for i, t in tokenizer.added_tokens_decoder.items() if t.special)
        return {"ids": ids, "bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "special": special}


def main():
    cases = [
        {"config": config, "files": files, "name": f"{what}, {how}", **read(config, files)}
        for how, config in CONFIGS.items()
        for what, files in FILES.items()
    ]
    (ROOT / "tokenizer/legacy-files.golden.json").write_text(json.dumps({"text": TEXT, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
