/**
 * What the cases of ../shared/cases/README.md need: a small checkpoint of the LLaMA format whose parts can be changed, written to a
 * folder, and the lens of the command line on it. Tests named `case NN` hold what the case of that number asks for.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { LensReport } from '../../contract/lens';
import { Rng } from '../../engine/base/rng';
import { encodeFloats } from '../../engine/checkpoint/float';
import { type WritableTensor as Tensor, writeSafetensors } from '../../engine/checkpoint/write';
import {
  type FamilyCase,
  familyCases,
  familyFiles,
  weightsOf,
} from '../../engine/session/models/families-files.testing';
import { SMALLEST, tinyPair } from '../../engine/testing/tiny-pair.testing';
import { lab } from '../lab';

type Json = Record<string, unknown>;

/** A checkpoint's parts: two layers of width 16, four heads of 4 of which keys have two, an inner width of 24, 31 tokens. */
export interface Parts {
  readonly config: Json;
  readonly tokenizer: Json & { readonly added_tokens: object[] };
  readonly tokenizerConfig: Json;
  readonly tensors: Map<string, Tensor>;
}

const PLAIN = familyCases.find(({ name }) => name === 'llama, tied head') as FamilyCase;

export const tensor = (name: string, shape: readonly number[], values: Iterable<number>): Tensor => ({
  name,
  shape,
  dtype: 'f32',
  bytes: encodeFloats(Float32Array.from(values), 'f32'),
});

/** `count` normal values around `mean`, the same in every run. */
export function normal(count: number, { seed = 1, mean = 0, spread = 0.3 } = {}): number[] {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => mean + spread * rng.normal());
}

/** Parts of their own each time. @param fields of config.json; undefined leaves one out */
export async function parts(fields: Json = {}): Promise<Parts> {
  const tokenizer = familyFiles(PLAIN, 'f32').find(({ name }) => name === 'tokenizer.json');
  const values = weightsOf(PLAIN);
  return {
    // As JSON, which has no undefined.
    config: JSON.parse(JSON.stringify({ ...PLAIN.config, ...fields })),
    tokenizer: JSON.parse((await tokenizer?.data.text()) ?? ''),
    tokenizerConfig: {},
    tensors: new Map(
      PLAIN.tensors.map(({ name, shape }) => [name, tensor(name, shape, values.get(name) as Float32Array)]),
    ),
  };
}

/** Parts with more tensors. */
export async function withTensors(added: readonly Tensor[], fields: Json = {}): Promise<Parts> {
  const made = await parts(fields);
  for (const one of added) made.tensors.set(one.name, one);
  return made;
}

export type Content = string | Uint8Array | object;

export const filesOf = ({ config, tokenizer, tokenizerConfig, tensors }: Parts): Record<string, Content> => ({
  'config.json': config,
  'tokenizer.json': tokenizer,
  'tokenizer_config.json': tokenizerConfig,
  'model.safetensors': writeSafetensors([...tensors.values()]),
});

/** What the command line's lens found, or how it refused: message and hint. */
export type Found =
  | { readonly sigma: readonly number[]; readonly said: string; readonly error?: undefined }
  | { readonly error: string; readonly sigma?: undefined };

const TEXT = 'onceuponatime';

/** Folders of the file's tests, and the commands on them; gone after the tests. */
export function casesFolder() {
  let folder = '';
  let written = 0;
  const at = (...names: string[]): string => join(folder, ...names);
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cases-'));
    for (const [name, bytes] of await tinyPair(SMALLEST)) put(at('models', name), bytes);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function put(path: string, content: Content): string {
    mkdirSync(dirname(path), { recursive: true });
    const isPlain = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(path, isPlain ? content : JSON.stringify(content));
    return path;
  }

  async function run(...args: string[]): Promise<{ readonly json: unknown; readonly said: string }> {
    let [text, said] = ['', ''];
    const stdout = { write: (x: string) => (text += x) };
    const stderr = { write: (x: string) => (said += x) };
    await lab([...args, '--models', at('models'), '--threads', '1'], { stdout, stderr });
    return { json: JSON.parse(text), said };
  }

  /** The spectrum of one text, from a folder with these files. */
  async function lens(files: Readonly<Record<string, Content>>, text = TEXT): Promise<Found> {
    const opened = at(`checkpoint ${written++}`);
    for (const [name, content] of Object.entries(files)) put(join(opened, name), content);
    try {
      const { json, said } = await run('lens', '--subject', 'opened', '--open', opened, '--text', text);
      const [selection] = (json as { lens: LensReport }).lens.selections;
      return { sigma: [...(selection?.spectra[0]?.sigma ?? [])], said };
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      return { error: `${message} | ${hint}` };
    }
  }

  return { put: (name: string, content: Content) => put(at(name), content), run, lens };
}
