import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFile } from '../../../../scripts/tools/files';
import type { Progress } from '../../../contract/events';
import { momentOf } from '../../../contract/latents';
import { CancelledError, ConfigError, FileError } from '../../base/errors';
import { serveFiles, type TinyPairOptions, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { loadPair } from './pair';

const load = async (options: TinyPairOptions) =>
  loadPair('models/', { fetch: serveFiles(await tinyPair(options)) });

/** Truncates a file in the middle. */
const truncated = (name: string): TinyPairOptions => ({
  damage: (path, bytes) => (path === name ? bytes.slice(0, bytes.length >> 1) : undefined),
});
const flipped = (name: string): TinyPairOptions => ({
  damage: (path, bytes) => {
    if (path !== name) return undefined;
    const copy = bytes.slice();
    copy[copy.length - 3] = (copy[copy.length - 3] as number) ^ 1;
    return copy;
  },
});

interface Listed {
  name: string;
  bytes: number;
  sha256: string;
}
const editFiles =
  (role: string, edit: (files: Listed[]) => Listed[]) =>
  (manifest: Record<string, unknown>): unknown => {
    const model = manifest[role] as { files: Listed[] };
    return { ...manifest, [role]: { ...model, files: edit(model.files) } };
  };

/** Id of the token that the tiny pair’s tokenizer uses for unknown words. */
const UNKNOWN = 2;

describe('loadPair', () => {
  it('reads both models, reports bytes as they arrive, and describes what it read', async () => {
    const seen: Progress[] = [];
    const files = await tinyPair();
    const { pair, report } = await loadPair('models', {
      fetch: serveFiles(files),
      report: (p) => seen.push(p),
    });
    expect(report.models.map((m) => [m.role, m.layers, m.hidden, m.vocabulary])).toEqual([
      ['base', 2, 32, 397],
      ['teacher', 2, 32, 397],
    ]);
    const stored = files.get('base/model.safetensors') as Uint8Array;
    expect(report.models[0]?.bytes).toBe(stored.length);
    // All parameters are stored in 4 bytes each behind a header.
    const header = 8 + Number(new DataView(stored.buffer).getBigUint64(0, true));
    expect(4 * (report.models[0]?.parameters as number)).toBe(stored.length - header);
    expect(pair.base.endIds).toEqual([1]);
    expect(report.knows.map(({ kind }) => kind)).toEqual(['names', 'things', 'numbers', 'sentences']);
    // Every word that it is reported to know has a token of its own.
    for (const { kind, words } of report.knows)
      for (const word of kind === 'numbers' ? [] : words)
        expect(pair.codec.question(word)).not.toContain(UNKNOWN);
    expect(pair.base.weights.read('w.embedding').data).not.toEqual(
      pair.teacher.weights.read('w.embedding').data,
    );
    const done = seen.map((p) => p.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total);
  });

  it('keeps the bundled pair in its stored 16 bits, and nothing else of its files', async () => {
    const { pair } = await loadPair('', {
      fetch: async (url) => new Response(await readFile('models', String(url).replace(/^\//, ''))),
    });
    for (const { weights, report } of [pair.base, pair.teacher]) {
      const kept = [...weights.tensors.keys()].map((name) => weights.read(name));
      expect(new Set(kept.map(({ dtype }) => dtype))).toEqual(new Set(['f16']));
      const bytes = new Set(kept.map(({ data }) => data.buffer));
      expect([...bytes].reduce((n, { byteLength }) => n + byteLength, 0)).toBe(2 * report.parameters);
    }
  });

  it('takes the end of sequence from the tokenizer if config.json names none', async () => {
    const { pair } = await load({ config: { eos_token_id: null } });
    expect(pair.base.endIds).toEqual([1]);
    expect(pair.teacher.endIds).toEqual([1]);
    expect(pair.codec.endId).toBe(1);
  });

  const bad: [string, TinyPairOptions, typeof FileError | typeof ConfigError, RegExp][] = [
    [
      'cut weights',
      truncated('base/model.safetensors'),
      FileError,
      /base\/model\.safetensors: \d+ bytes arrived, expected \d+/,
    ],
    [
      'one wrong bit',
      flipped('teacher/model.safetensors'),
      FileError,
      /teacher\/model\.safetensors: SHA-256 is/,
    ],
    [
      'a cut tokenizer',
      truncated('base/tokenizer.json'),
      FileError,
      /base\/tokenizer\.json: \d+ bytes arrived/,
    ],
    ['a cut manifest', truncated('manifest.json'), FileError, /manifest\.json: not valid JSON/],
    [
      'an unknown model type',
      { config: { model_type: 'bloom' } },
      ConfigError,
      /unsupported model_type "bloom"; supported: llama, qwen2, qwen3, gpt2/,
    ],
    [
      'a deeper teacher',
      { teacherConfig: { num_hidden_layers: 3 } },
      ConfigError,
      /base and teacher differ in their layers: 2 and 3/,
    ],
    [
      'a teacher of another width',
      { teacherConfig: { hidden_size: 16 } },
      ConfigError,
      /hidden size: 32 and 16/,
    ],
    [
      'a vocabulary that is too small',
      { config: { vocab_size: 300 } },
      ConfigError,
      /the tokenizer has 397 tokens, the model 300/,
    ],
    [
      'a file that is not listed',
      { manifest: editFiles('base', (f) => f.filter((x) => x.name !== 'config.json')) },
      FileError,
      /lists no config\.json for tiny-base/,
    ],
    [
      'a hash that is none',
      { manifest: editFiles('base', (f) => f.map((x) => ({ ...x, sha256: 'none' }))) },
      FileError,
      /SHA-256 to compare with is "none"/,
    ],
    [
      'another tokenizer of the teacher',
      {
        manifest: editFiles('teacher', (f) =>
          f.map((x) => (x.name === 'tokenizer.json' ? { ...x, sha256: 'b'.repeat(64) } : x)),
        ),
      },
      ConfigError,
      /different tokenizers/,
    ],
  ];
  it.each(bad)('refuses %s', async (_name, options, kind, message) => {
    const loading = load(options);
    await expect(loading).rejects.toThrow(kind);
    await expect(loading).rejects.toThrow(message);
  });

  it('says which file is missing', async () => {
    const files = await tinyPair();
    files.delete('teacher/config.json');
    await expect(loadPair('models', { fetch: serveFiles(files) })).rejects.toThrow(
      'models/teacher/config.json: the server answered 404 Not Found',
    );
    await expect(loadPair('elsewhere', { fetch: serveFiles(files) })).rejects.toThrow(
      'elsewhere/manifest.json',
    );
  });

  it('is cancelled between two files', async () => {
    const abort = new AbortController();
    const loading = loadPair('models', {
      fetch: serveFiles(await tinyPair()),
      signal: abort.signal,
      report: () => abort.abort(),
    });
    await expect(loading).rejects.toThrow(CancelledError);
  });
});

describe('a workbench that was given a damaged pair', () => {
  let workbench: LoriWorkbench;
  let files: Map<string, Uint8Array<ArrayBuffer>>;
  beforeAll(async () => {
    files = await tinyPair();
    workbench = new LoriWorkbench(tinyEnvironment(files));
    await workbench.open('wasm');
  });
  afterAll(() => workbench.close());

  it('then accepts an intact one, and keeps that when a damaged one follows', async () => {
    const weights = files.get('base/model.safetensors') as Uint8Array<ArrayBuffer>;
    files.set('base/model.safetensors', weights.slice(0, 1000));
    await expect(workbench.loadPair('models')).rejects.toThrow(FileError);
    await expect(workbench.problems('train', 0, 1)).rejects.toThrow('no models are loaded');
    files.set('base/model.safetensors', weights);
    await workbench.loadPair('models');
    const question = { question: 'Tom has 2 eggs.', student: 'base', steps: 1 } as const;
    const { session } = await workbench.openQuestion(question);
    files.set('base/model.safetensors', weights.slice(0, 1000));
    await expect(workbench.loadPair('models')).rejects.toThrow(FileError);
    expect((await workbench.thought(momentOf(session, 1))).step).toBe(1);
  });

  it('refuses data that cannot be made before it drops what it has', async () => {
    const files = await tinyPair();
    const own = new LoriWorkbench(tinyEnvironment(files));
    await own.open('wasm');
    await own.loadPair('models');
    for (const [path, bytes] of await tinyPair({ data: { maxSteps: 9 } })) files.set(path, bytes);
    await expect(own.loadPair('models')).rejects.toThrow('word problems of 2 to 9 steps');
    expect(await own.problems('train', 0, 1)).toHaveLength(1);
    await own.close();
  });

  it('keeps what it has if another provider is unavailable', async () => {
    files = await tinyPair();
    const own = new LoriWorkbench(tinyEnvironment(files));
    const report = await own.open('auto');
    expect(report).toMatchObject({ provider: 'wasm', adapter: null });
    expect(report.reason).toContain('WebGPU');
    await own.loadPair('models');
    await expect(own.open('webgpu')).rejects.toThrow('WebGPU');
    expect(await own.problems('train', 0, 1)).toHaveLength(1);
    await own.close();
  });
});
