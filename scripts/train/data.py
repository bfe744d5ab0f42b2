"""Word problems as token ids, drawn by the project's own generator (scripts/train/dump-data.mjs)."""
import json
import os
import subprocess
import tempfile

PAD, EOS = 0, 1
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TEMP = os.path.join(tempfile.gettempdir(), f"word-problems-{os.getuid()}")


def problems(seed, count, min_steps=1, max_steps=5, split="train", tokenizer="models/base"):
    """A list of dicts: questionIds, stepIds (one list per step), promptIds, answerIds, and the texts."""
    os.makedirs(TEMP, exist_ok=True)
    path = os.path.join(TEMP, f"{split}-{seed}-{count}-{min_steps}-{max_steps}-{os.getpid()}.jsonl")
    subprocess.run(["node", os.path.join(HERE, "dump-data.mjs"), path, "--seed", str(seed), "--count", str(count),
                    "--min-steps", str(min_steps), "--max-steps", str(max_steps), "--split", split, "--tokenizer", tokenizer], check=True, cwd=ROOT)
    with open(path) as f:
        out = [json.loads(line) for line in f]
    os.remove(path)
    return out


def vocabulary(tokenizer="models/base"):
    with open(os.path.join(ROOT, tokenizer, "tokenizer.json")) as f:
        return json.load(f)["model"]["vocab"]


def rationale(p):
    return [t for step in p["stepIds"] for t in step]
