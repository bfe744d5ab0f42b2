/** Damage to files and values, accidental or malicious. The same generator state gives the same mutant. */
import type { Rng } from '../../src/engine/base/rng';

export type Bytes = Uint8Array<ArrayBuffer>;

/** Placeholder for deep nesting, inserted into the text because JSON.stringify itself would overflow on it. */
const DEEP = '\u0000deep\u0000';

/** Values that readers forget about. */
const ODD: readonly ((rng: Rng) => unknown)[] = [
  () => null,
  () => true,
  () => '',
  () => [],
  () => ({}),
  () => 0,
  () => -1,
  () => 0.5,
  () => 2 ** 31,
  () => 2 ** 53,
  () => 1e308,
  () => -1e-308,
  () => '7',
  () => 'constructor',
  () => '\ud800',
  () => 'x'.repeat(200_000),
  () => Array.from({ length: 5000 }, (_, i) => i),
  () => DEEP,
  (rng) => rng.integer(-1000, 1000),
  (rng) => JSON.parse(`{"__proto__": {"polluted": ${rng.integer(0, 9)}}}`) as unknown,
  (rng) => '([a-z ]+)+#'.repeat(rng.integer(1, 3)),
];

type Json = Record<string, unknown> | unknown[];
const isContainer = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** A container in `root` and one of its keys, drawn evenly over levels rather than values, because lists are long. */
function pick(root: Json, rng: Rng): { holder: Json; key: string } | undefined {
  let holder = root;
  for (;;) {
    const keys = Object.keys(holder);
    if (keys.length === 0) return undefined;
    const key = rng.pick(keys);
    const value = (holder as Record<string, unknown>)[key];
    if (!isContainer(value) || Object.keys(value).length === 0 || rng.uniform() < 0.3) return { holder, key };
    holder = value;
  }
}

function put(holder: Json, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

/** One change to a copy of `value`. */
export function mutateValue(value: unknown, rng: Rng): unknown {
  const copy = structuredClone(value);
  if (!isContainer(copy)) return rng.pick(ODD)(rng);
  const place = pick(copy, rng);
  if (!place) return rng.pick(ODD)(rng);
  const { holder, key } = place;
  const old = (holder as Record<string, unknown>)[key];
  const change = rng.integer(0, 9);
  if (change <= 4) put(holder, key, rng.pick(ODD)(rng));
  else if (change === 5) Reflect.deleteProperty(holder, key);
  else if (change === 6) {
    Reflect.deleteProperty(holder, key);
    put(holder, rng.pick(['__proto__', 'constructor', '', 'x'.repeat(10_000), `${key} `]), old);
  } else if (change === 7 && typeof old === 'number')
    put(holder, key, rng.pick([-old, old * 2, old + 1, old - 1, old * 1e6, String(old), old / 3]));
  else if (change === 8 && Array.isArray(old))
    put(holder, key, rng.pick([old.slice(1), [...old, ...old], [old], Array(3000).fill(old[0] ?? 0)]));
  else put(holder, rng.pick(Object.keys(holder)), old);
  return copy;
}

/** Replaces the placeholder by deep nesting. */
const withDepth = (text: string, rng: Rng): string => {
  const depth = rng.pick([40, 70, 2_000, 200_000]);
  return text.replaceAll(JSON.stringify(DEEP), () =>
    rng.uniform() < 0.5
      ? '['.repeat(depth) + ']'.repeat(depth)
      : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  );
};

/** What `DEEP` stands for, in values other than text. */
export function deepen(value: unknown, depth: number): unknown {
  if (value === DEEP) {
    let deep: unknown = 1;
    for (let i = 0; i < depth; i++) deep = [deep];
    return deep;
  }
  if (!isContainer(value)) return value;
  for (const key of Object.keys(value))
    put(value, key, deepen((value as Record<string, unknown>)[key], depth));
  return value;
}

/** One change to JSON text: usually to its values, occasionally to its characters. */
export function mutateJson(text: string, rng: Rng): Bytes {
  const encode = (changed: string) => new TextEncoder().encode(changed);
  const at = rng.integer(0, Math.max(0, text.length - 1));
  switch (rng.integer(0, 11)) {
    case 0:
      return mutateBytes(encode(text), rng);
    case 1:
      return encode(text.slice(0, at));
    case 2:
      return encode(
        `${text.slice(0, at)}${rng.pick(['NaN', ',', '"', '\\', '\u0000', '[', '}', '\ufeff'])}${text.slice(at)}`,
      );
    case 3: // a key twice
      return encode(text.replace(/"(\w+)":/, (key, name) => `"${name}": null, ${key}`));
    case 4:
      return encode(
        rng.pick([
          `\ufeff${text}`,
          '',
          'null',
          '[]',
          '['.repeat(300_000),
          `${text}${text}`,
          '<!doctype html>',
        ]),
      );
    default: {
      let value: unknown = JSON.parse(text);
      for (let i = rng.integer(1, 2); i > 0; i--) value = mutateValue(value, rng);
      return encode(withDepth(JSON.stringify(value), rng));
    }
  }
}

/** Flipped bits, truncation, duplicated pieces. */
export function mutateBytes(bytes: Bytes, rng: Rng): Bytes {
  const out = bytes.slice();
  const at = rng.integer(0, Math.max(0, out.length - 1));
  switch (rng.integer(0, 3)) {
    case 0:
      return out.slice(0, at);
    case 1:
      return new Uint8Array([...out.slice(0, at), ...out.slice(Math.max(0, at - 16))]);
    default:
      for (let i = rng.integer(1, 8); i > 0 && out.length > 0; i--) {
        const place = rng.integer(0, out.length - 1);
        out[place] = (out[place] as number) ^ (1 << rng.integer(0, 7));
      }
      return out;
  }
}

/** float32 words that weights may turn into: large, tiny, infinite, NaN. */
const WORDS = [
  0x7f7fffff, 0xff7fffff, 0x7e967699, 0x00000001, 0x7f800000, 0xff800000, 0x7fc00000, 0, 0x5f000000,
];

/** A safetensors file with its length, its header or its values changed. */
export function mutateSafetensors(bytes: Bytes, rng: Rng): Bytes {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = Number(view.getBigUint64(0, true));
  const kind = rng.integer(0, 9);
  if (kind === 0) return mutateBytes(bytes, rng);
  if (kind === 1) {
    const out = bytes.slice();
    new DataView(out.buffer).setBigUint64(
      0,
      rng.pick([0n, 1n, BigInt(length + 8), 2n ** 63n, 2n ** 64n - 1n, BigInt(bytes.length)]),
      true,
    );
    return out;
  }
  if (kind <= 5) {
    const header = mutateJson(new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd(), rng);
    const out = new Uint8Array(8 + header.length + bytes.length - 8 - length);
    new DataView(out.buffer).setBigUint64(0, BigInt(header.length), true);
    out.set(header, 8);
    out.set(bytes.subarray(8 + length), 8 + header.length);
    return out;
  }
  const out = bytes.slice();
  const values = new DataView(out.buffer, 8 + length);
  const count = values.byteLength >> 2;
  const word = rng.pick(WORDS);
  const many = rng.pick([1, 8, count]);
  for (let i = 0; i < many; i++)
    values.setUint32(4 * (many === count ? i : rng.integer(0, count - 1)), word, true);
  return out;
}

/** Damages a file as what its name says it is. */
export function mutateFile(name: string, bytes: Bytes, rng: Rng): Bytes {
  if (name.endsWith('.json')) return mutateJson(new TextDecoder().decode(bytes), rng);
  return name.endsWith('.safetensors') ? mutateSafetensors(bytes, rng) : mutateBytes(bytes, rng);
}
