"""Weights in 4, 8 and 16 bits by blocks, by numpy: prints src/engine/base/blocks.golden.json.

    /usr/bin/python3 scripts/goldens/base/blocks.py > src/engine/base/blocks.golden.json

A matrix [8, 75] has two whole blocks and a third of 11 in a row, so that rows of 4 bits begin within a byte. Its rows: normal
values; a row with an outlier; large ones; values half way between two multiples, of each number of bits one row; zeros and then
a constant; a negative extreme beside a positive one of the same size, and the other way round; and magnitudes so small that their
scales are subnormal.
"""
import json

import numpy as np

BLOCK = 32
# By how much a block's extreme value is divided for its scale, and the multiples there are.
LEVELS = {4: (-8, -8, 7), 8: (127, -127, 127), 16: (32512, -32512, 32512)}


def quantise(values, bits=8):
    """Integer multiples and float32 scales of a float32 matrix, blocks along the last axis."""
    divisor, least, most = LEVELS[bits]
    rows, columns = values.shape
    blocks = -(-columns // BLOCK)
    padded = np.zeros((rows, blocks * BLOCK), np.float32)
    padded[:, :columns] = values
    cut = padded.reshape(rows, blocks, BLOCK)
    extreme = np.take_along_axis(cut, np.abs(cut).argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    # In 4 bits the extreme value is -8 of its scale, whichever sign it has. Adding zero makes -0 zero.
    scales = ((extreme if bits == 4 else np.abs(extreme)) / np.float32(divisor) + np.float32(0)).astype(np.float32)
    if bits == 16:
        # The least power of two that is not below, and that float32 has.
        mantissa, exponent = np.frexp(np.abs(extreme).astype(np.float64) / divisor)
        power = np.ldexp(1.0, np.maximum(exponent - (mantissa == 0.5), -149))
        scales = np.where(extreme == 0, 0, power).astype(np.float32)
    divisors = np.where(scales == 0, np.float32(1), scales)[:, :, None]
    multiples = np.where(scales[:, :, None] == 0, 0, np.clip(np.rint(cut / divisors), least, most)).astype(np.int32)
    return multiples.reshape(rows, -1)[:, :columns], scales


def dequantised(values, bits):
    """What is left of a float32 matrix: multiple * scale in float32."""
    multiples, scales = quantise(values, bits)
    each = np.repeat(scales, BLOCK, axis=1)[:, : values.shape[1]]
    return multiples.astype(np.float32) * each


def packed(multiples, bits):
    """As ONNX stores them: two of 4 bits a byte, the first in the lower half; of 16 bits the upper and the lower bytes."""
    flat = multiples.ravel()
    if bits == 8:
        return [flat.astype(np.int8).tobytes().hex()]
    if bits == 4:
        even = np.concatenate([flat, np.zeros(flat.size % 2, flat.dtype)]) & 15
        return [(even[::2] | even[1::2] << 4).astype(np.uint8).tobytes().hex()]
    low = ((flat + 128) & 255) - 128
    return [((flat - low) // 256).astype(np.int8).tobytes().hex(), low.astype(np.int8).tobytes().hex()]


def main():
    rng = np.random.default_rng(8)
    values = rng.standard_normal((8, 75)).astype(np.float32)
    values[1, 5] = 40
    values[2] *= np.float32(1e30)
    # Multiples of a half: with the largest multiple among them, the scale is 1.
    values[3] = rng.integers(-253, 254, 75).astype(np.float32) / 2
    values[3, [0, 32, 64]] = 127
    values[4] = rng.integers(-16, 16, 75).astype(np.float32) / 2
    values[4, [0, 32, 64]] = -8
    values[5, :32] = 0
    values[5, 32:] = np.float32(0.3)
    values[6, [3, 9, 40, 33]] = [-5, 5, -5, 5]
    values[7] = (rng.integers(-300, 301, 75) * 2.0**-149).astype(np.float32)
    out = {"shape": list(values.shape), "valueBits": values.view(np.uint32).ravel().tolist(), "bits": {}}
    for bits in LEVELS:
        multiples, scales = quantise(values, bits)
        out["bits"][bits] = {"parts": packed(multiples, bits), "scaleBits": scales.view(np.uint32).ravel().tolist()}
    print(json.dumps(out))


if __name__ == "__main__":
    main()
