import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateDefaults } from '../../../../src/contract/generate';
import { runtimeVersion } from '../../../../src/engine/runtime/ort';
import { LoriWorkbench } from '../../../../src/engine/session/workbench';
import { tinyPair } from '../../../../src/engine/testing/tiny-pair.testing';
import { checkpointFiles, readBlob } from '../../../../src/lab/subjects';
import { type Checkpoint, readCheckpoint } from './checkpoint';
import { writeGguf } from './gguf';
import { type OnnxDtype, writeOnnxFolder } from './onnx';
import { agreement } from './words';

let folder: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'formats-'));
  mkdirSync(join(folder, 'model'));
  const config = { hidden_size: 64, intermediate_size: 96, attention_bias: false };
  // So large that what layers add decides the text.
  for (const [path, bytes] of await tinyPair({ config, scale: 2 }))
    if (path.startsWith('teacher/')) writeFileSync(join(folder, path.replace('teacher', 'model')), bytes);
  checkpoint = await readCheckpoint(join(folder, 'model'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function continued(at: string) {
  const workbench = new LoriWorkbench({ crossOriginIsolated: true, runtimeVersion, readBlob, threads: 1 });
  await workbench.open('wasm');
  await workbench.openCheckpoint(await checkpointFiles(at));
  const { samples } = await workbench.generate({
    subject: { kind: 'opened' },
    prompt: '3 + 4 = 7 ; 7 * 2 =',
    stop: [],
    settings: { ...generateDefaults, limit: 8 },
  });
  const tokens = samples[0]?.tokens ?? [];
  return { tokens: tokens.map(({ id }) => id), logProbabilities: tokens.map((one) => one.logProbability) };
}

it('writes ONNX exports that continue a prompt as the checkpoint itself', async () => {
  const own = await continued(join(folder, 'model'));
  // Tokens that must be the same, and how far log-probabilities of these may be off. Measured 1.1e-5, 0.45 and 0.64.
  const expected: readonly (readonly [OnnxDtype, number, number])[] = [
    ['fp32', 8, 1e-4],
    ['q8', 8, 0.6],
    ['q4', 1, 0.8],
  ];
  for (const [dtype, same, within] of expected) {
    writeOnnxFolder(join(folder, 'model'), join(folder, dtype), checkpoint, [dtype]);
    const made = await continued(join(folder, dtype));
    expect(made.tokens.slice(0, same), dtype).toEqual(own.tokens.slice(0, same));
    for (let i = 0; i < same; i++)
      expect(Math.abs(at(made.logProbabilities, i) - at(own.logProbabilities, i)), dtype).toBeLessThan(
        within,
      );
  }
});

const at = (values: readonly number[], i: number): number => values[i] ?? Number.NaN;

/** What a GGUF file says, read by its specification. */
function readGguf(path: string) {
  const bytes = readFileSync(path);
  let at = 8;
  /** Where the next value of so many bytes is. */
  const next = (length: number): number => {
    at += length;
    return at - length;
  };
  const u32 = () => bytes.readUInt32LE(next(4));
  const u64 = () => Number(bytes.readBigUInt64LE(next(8)));
  const string = (): string => {
    const length = u64();
    const from = next(length);
    return bytes.toString('utf8', from, at);
  };
  const value = (type: number): unknown => {
    if (type === 8) return string();
    if (type === 9) {
      const [of, n] = [u32(), u64()];
      return Array.from({ length: n }, () => value(of));
    }
    return type === 6 ? bytes.readFloatLE(next(4)) : u32();
  };
  const [tensors, keys] = [u64(), u64()];
  const metadata = new Map(Array.from({ length: keys }, () => [string(), value(u32())]));
  const found = Array.from({ length: tensors }, () => {
    const [name, dims] = [string(), u32()];
    return { name, shape: Array.from({ length: dims }, u64).reverse(), type: u32(), offset: u64() };
  });
  return { bytes, version: bytes.readUInt32LE(4), metadata, tensors: found, data: 32 * Math.ceil(at / 32) };
}

it('writes GGUF as its specification says', () => {
  const path = join(folder, 'q8.gguf');
  writeGguf(path, checkpoint, 'q8_0');
  const { bytes, version, metadata, tensors, data } = readGguf(path);
  expect([bytes.toString('latin1', 0, 4), version]).toEqual(['GGUF', 3]);
  const { config } = checkpoint;
  expect(metadata.get('llama.attention.head_count_kv')).toBe(config.kvHeads);
  expect(metadata.get('tokenizer.ggml.tokens')).toHaveLength(config.vocabSize);
  expect(tensors).toHaveLength(checkpoint.tensors.names().length);
  const last = tensors.at(-1);
  expect(last && data + last.offset < bytes.length).toBe(true);

  const q = tensors.find(({ name }) => name === 'blk.1.attn_q.weight');
  expect(q).toMatchObject({ shape: [64, 64], type: 8 });
  const want = checkpoint.tensors.get('model.layers.1.self_attn.q_proj.weight') as Float32Array;
  const half = config.headDim / 2;
  // Row 2i of a head is its row i, row 2i + 1 its row i + d/2; each has two blocks of 2 + 32 bytes.
  for (let row = 0; row < 64; row++) {
    const [head, i] = [Math.floor(row / config.headDim), row % config.headDim];
    const from = head * config.headDim + (i % 2) * half + Math.floor(i / 2);
    for (const column of [0, 31, 32, 63]) {
      const block = data + (q?.offset ?? 0) + 34 * (2 * row + Math.floor(column / 32));
      const bits = bytes.readUInt16LE(block);
      const scale = 2 ** ((bits >> 10) - 25) * (1024 + (bits & 1023));
      const got = scale * bytes.readInt8(block + 2 + (column % 32));
      expect(Math.abs(got - (want[64 * from + column] as number)), `${row}, ${column}`).toBeLessThan(scale);
    }
  }
});

it('says how far two texts agree', () => {
  const text = (tokens: number[], logProbabilities: number[]) => ({
    tokens,
    logProbabilities,
    firstToken: 1,
    tokensPerSecond: 1,
    tokensPerCpuSecond: 1,
    peak: 1,
  });
  const reference = text([4, 5, 6], [-1, -2, -3]);
  expect(agreement(reference, reference)).toBe('the text that the others are held against');
  expect(agreement(text([4, 5, 7], [-1, -2.5, 9]), reference)).toBe(
    'the first 2 of 3 tokens the same, log-probabilities within 5.0e-1',
  );
});
