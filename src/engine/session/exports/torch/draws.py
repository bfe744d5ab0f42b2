"""The playground's random numbers: the order of the samples (xoshiro128**), and dropout masks (Philox4x32-10)."""
import torch

W = 1 << 32
MASK = W - 1


def fnv(text, start=0x811C9DC5):
    h = start
    for letter in text:
        h = ((h ^ ord(letter)) * 0x01000193) % W
    return h


class Rng:
    """xoshiro128** seeded by splitmix32; `fork` gives an independent stream for a purpose."""

    def __init__(self, seed):
        self.seed, self.state, s = seed % W, [], seed % W
        for _ in range(4):
            s = (s + 0x9E3779B9) % W
            z = s
            z = ((z ^ (z >> 16)) * 0x21F0AAAD) % W
            z = ((z ^ (z >> 15)) * 0x735A2D97) % W
            self.state.append(z ^ (z >> 15))

    def fork(self, label):
        return Rng(fnv(label, (self.seed ^ 0x811C9DC5) % W))

    def bits(self):
        s = self.state
        r = (s[1] * 5) % W
        r = (((r << 7) | (r >> 25)) * 9) % W
        t = (s[1] << 9) % W
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = ((s[3] << 11) | (s[3] >> 21)) % W
        return r

    def uniform(self):
        return ((self.bits() >> 5) * 67108864 + (self.bits() >> 6)) / 9007199254740992

    def shuffle(self, items):
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = int(self.uniform() * (i + 1))
            out[i], out[j] = out[j], out[i]
        return out


def batch_indices(seed, n, batch):
    """The samples of step t, from 0: a new shuffle of 0 … n − 1 an epoch, epochs joined end to end."""
    rng, epochs = Rng(seed).fork("batches"), []

    def at(position):
        while len(epochs) <= position // n:
            epochs.append(rng.fork(f"epoch {len(epochs)}").shuffle(range(n)))
        return epochs[position // n][position % n]

    return lambda t: [at(t * batch + i) for i in range(batch)]


def philox(counter, key):
    """Four words from counters of four, int64 tensors below 2^32 that are broadcast, and a key of two numbers."""
    c0, c1, c2, c3 = torch.broadcast_tensors(*counter)
    k0, k1 = key
    for _ in range(10):
        high0, low0 = multiply(c0, 0xD2511F53)
        high1, low1 = multiply(c2, 0xCD9E8D57)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) % W, (k1 + 0xBB67AE85) % W
    return c0, c1, c2, c3


def multiply(x, by):
    """Upper and lower 32 bits of x · by, by halves: int64 has no room for the product."""
    low, high = x * (by & 0xFFFF), x * (by >> 16)
    middle = (low >> 16) + (high & 0xFFFF)
    return (high >> 16) + (middle >> 16), ((middle & 0xFFFF) << 16) | (low & 0xFFFF)


def words(seed, step, layer, site, first, count):
    """Elements first … first + count − 1 of a stream, each uniform over [0, 2^32)."""
    blocks = torch.arange(first // 4, (first + count + 3) // 4)
    counter = [blocks] + [torch.tensor(value) for value in (step, layer, fnv(site))]
    out = torch.stack(philox(counter, (seed % W, seed // W)), 1).reshape(-1)
    return out[first % 4 : first % 4 + count]


def dropout_mask(seed, step, layer, site, p, row, columns, width):
    """[columns, width]: 0 with probability p, else 1 / (1 − p), as row `row` of a batch's mask has it."""
    kept = words(seed, step, layer, site, row * columns * width, columns * width) < (1 - p) * W
    return (kept.double() / (1 - p)).reshape(columns, width)
