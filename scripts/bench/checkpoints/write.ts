import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { toBf16 } from '../../../src/engine/base/half';
import { Rng } from '../../../src/engine/base/rng';
import { parseModelConfig } from '../../../src/engine/checkpoint/config';
import { expectedTensors } from '../../../src/engine/nn/weight-parts';

/** Elements written at a time. */
const PIECE = 2 ** 22;
/** Numbers are drawn from this many normal ones. */
const DRAWN = 2 ** 16;
/** Standard deviation of linears and embeddings, as models are initialised. */
const SCALE = 0.02;

/**
 * A checkpoint of the configuration in `folder`, bf16, written piece by piece: linears and embeddings normal, norms 1,
 * biases small. The tokenizer is the bundled pair's. A complete one that is there is kept.
 * @returns bytes of its weights
 */
export function writeCheckpoint(folder: string, config: Readonly<Record<string, unknown>>): number {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config, null, 2));
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(resolve('models/base', name), join(folder, name));
  const tensors = expectedTensors(parseModelConfig(config));
  const path = join(folder, 'model.safetensors');
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const { name, shape } of tensors) {
    const bytes = 2 * shape.reduce((n, d) => n * d, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(8 * Math.ceil(text.length / 8)));
  const total = 8 + json.length + end;
  if (existsSync(path) && statSync(path).size === total) return total;
  const file = openSync(path, 'w');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeSync(file, length);
  writeSync(file, json);
  const rng = new Rng(1);
  const bits = new Uint32Array(1);
  const value = new Float32Array(bits.buffer);
  const half = (x: number): number => {
    value[0] = x;
    return toBf16(bits[0] as number);
  };
  const normal = Uint16Array.from({ length: DRAWN }, () => half(SCALE * rng.normal()));
  const one = half(1);
  let at = 1;
  for (const { name, shape } of tensors) {
    const isNorm = shape.length === 1 && name.endsWith('.weight');
    for (let left = shape.reduce((n, d) => n * d, 1); left > 0; left -= PIECE) {
      const piece = new Uint16Array(Math.min(PIECE, left));
      if (isNorm) piece.fill(one);
      else
        for (let i = 0; i < piece.length; i++) {
          // xorshift32: fast, and good enough to choose among numbers already drawn.
          at ^= at << 13;
          at ^= at >>> 17;
          at ^= at << 5;
          piece[i] = normal[at & (DRAWN - 1)] as number;
        }
      writeSync(file, new Uint8Array(piece.buffer));
    }
  }
  closeSync(file);
  return total;
}
