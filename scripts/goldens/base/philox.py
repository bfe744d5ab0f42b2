"""Streams of Philox4x32-10 by Python's whole numbers, and uniforms made of them in float64: writes
src/engine/base/philox.golden.json.
"""
import json
import pathlib

from _philox import W, philox, stream

# The known answers of Random123 (tests/kat_vectors, philox4x32 with 10 rounds): a guard on this script.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([W - 1] * 4, [W - 1] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0],
     [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
]
for counter, key, expected in KNOWN:
    assert philox(counter, key) == expected

cases = []
for seed, step, layer, site, first in [
    (0, 0, 0, "", 0),
    (7, 3, 11, "dropout.attention", 0),
    (7, 3, 11, "dropout.attention", 4093),
    (2**53 - 1, W - 1, W - 1, "sampling", 2**34 - 12),
]:
    w = stream(seed, step, layer, site, first, 12)
    start = first % 2
    cases.append({
        "key": {"seed": seed, "step": step, "layer": layer, "site": site},
        "first": first,
        "words": w,
        "doubles": [((w[i] >> 5) * 2**26 + (w[i + 1] >> 6)) / 2**53 for i in range(start, 11 - start, 2)],
    })
out = pathlib.Path(__file__).parents[3] / "src/engine/base/philox.golden.json"
out.write_text(json.dumps({"cases": cases}, indent=1) + "\n")
print(out.name, len(cases), "streams")
