"""Weights in 8 bits by blocks, by numpy: prints src/engine/base/blocks.golden.json.

    /usr/bin/python3 scripts/goldens/base/blocks.py > src/engine/base/blocks.golden.json

A matrix [6, 80] has two whole blocks and a half one in a row. Its rows: normal values, a row with an outlier, large
ones, values half way between two multiples, zeros, and magnitudes so small that their scales are subnormal.
"""
import json

import numpy as np

BLOCK, LARGEST = 32, np.float32(127)


def quantise(values):
    """int8 multiples and float32 scales of a float32 matrix, blocks along the last axis."""
    rows, columns = values.shape
    blocks = -(-columns // BLOCK)
    padded = np.zeros((rows, blocks * BLOCK), np.float32)
    padded[:, :columns] = values
    cut = padded.reshape(rows, blocks, BLOCK)
    scales = (np.abs(cut).max(axis=2) / LARGEST).astype(np.float32)
    divisor = np.where(scales == 0, np.float32(1), scales)[:, :, None]
    multiples = np.clip(np.rint(cut / divisor), -127, 127).astype(np.int8)
    return multiples.reshape(rows, -1)[:, :columns], scales


def main():
    rng = np.random.default_rng(8)
    values = rng.standard_normal((6, 80)).astype(np.float32)
    values[1, 5] = 40
    values[2] *= np.float32(1e30)
    # Multiples of a half: with 127 among them, the scale is 1.
    values[3] = rng.integers(-253, 254, 80).astype(np.float32) / 2
    values[3, [0, 32, 64]] = 127
    values[4, :40] = 0
    values[5] = (rng.integers(-300, 301, 80) * 2.0**-149).astype(np.float32)
    multiples, scales = quantise(values)
    print(
        json.dumps(
            {
                "shape": list(values.shape),
                "valueBits": values.view(np.uint32).ravel().tolist(),
                "multiples": multiples.ravel().tolist(),
                "scaleBits": scales.view(np.uint32).ravel().tolist(),
            }
        )
    )


if __name__ == "__main__":
    main()
