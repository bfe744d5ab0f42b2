"""What the tiny models of families.py compute with weights that 16 bits do not hold, in float64 by torch: writes
src/engine/session/models/rounding.golden.json. Run: /usr/bin/python3 scripts/goldens/families/rounding.py

The weights are families.py's draws with all 24 upper bits of the generator instead of 8, at the same scale: exact in float32,
and rounded by float16, bfloat16 and everything smaller. The reference is of the unrounded ones.
"""
import json
import math
import pathlib

import torch

import families as f

CASES = ("llama, tied head", "qwen2, untied head", "qwen3, tied head", "gpt2, prefix transformer.")


class Fine(f.Generator):
    def values(self, shape, shift, one):
        """(v - 2^23) / 2^(16 + shift) of the upper 24 bits v, or for norms ((v - 2^23) >> 2) / 2^22 + 1."""
        out = []
        for _ in range(math.prod(shape)):
            self.state = (1664525 * self.state + 1013904223) % 2**32
            v = (self.state >> 8) - 2**23
            out.append((v >> 2) / 2**22 + 1 if one else v / 2 ** (16 + shift))
        values = torch.tensor(out).reshape(shape)
        assert torch.equal(values.to(torch.float32).to(values.dtype), values)
        return values


if __name__ == "__main__":
    f.Generator = Fine
    made = []
    for number, (name, c, _) in enumerate(f.cases()):
        if name not in CASES:
            continue
        weights = (f.llama_weights if c["family"] == "llama" else f.gpt2_weights)(c, 2000 + number)
        made.append({"name": name, "seed": 2000 + number, **f.run(c, weights)})
    assert len(made) == len(CASES)
    out = pathlib.Path(__file__).parents[3] / "src/engine/session/models/rounding.golden.json"
    out.write_text("[\n" + ",\n".join("  " + json.dumps(one, separators=(",", ":")) for one in made) + "\n]\n")
    print(out.name, len(made), "cases,", out.stat().st_size, "bytes")
