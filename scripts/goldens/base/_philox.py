"""Philox4x32-10 by Python's whole numbers, in streams as src/engine/base/philox.ts has them."""
W = 1 << 32


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b % W, (a >> 32) ^ c[3] ^ k[1], a % W]
        k = [(k[0] + 0x9E3779B9) % W, (k[1] + 0xBB67AE85) % W]
    return c


def fnv(name):
    h = 0x811C9DC5
    for byte in name.encode("ascii"):
        h = ((h ^ byte) * 0x01000193) % W
    return h


def stream(seed, step, layer, site, first, count):
    key = [seed % W, seed // W]
    return [philox([i // 4, step, layer, fnv(site)], key)[i % 4] for i in range(first, first + count)]
