import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NamedFile } from '../contract/lens';
import type { WeightStorage } from '../contract/weight-storage';
import type { FloatDType } from '../engine/checkpoint/float';
import {
  distance,
  type FamilyCase,
  familyCases,
  familyFiles,
  mostProbable,
  readNpy,
  TEXT,
  textOf,
  textStates,
} from '../engine/session/models/families-files.testing';
import {
  baseSettings,
  type ReleaseCase,
  releaseCases,
  releaseFiles,
  roomy,
  withFullStop,
} from '../engine/session/models/releases.testing';
import { tinyRunBy } from '../engine/session/runs/tiny-run.testing';
import { SMALLEST, tinyPair } from '../engine/testing/tiny-pair.testing';
import { lab } from './lab';

/** float32 against float64, relative to the largest value: the weights are exact in both formats; measured at most 2e-6. */
const TOLERANCE = 1e-5;
/** Decimal places of log-probabilities, in nats. */
const DIGITS = 4;

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);

async function write(where: string, files: Iterable<readonly [string, Uint8Array]>): Promise<string> {
  for (const [name, bytes] of files) {
    mkdirSync(dirname(at(where, name)), { recursive: true });
    writeFileSync(at(where, name), bytes);
  }
  return at(where);
}

const bytesOf = (files: readonly NamedFile[]): Promise<[string, Uint8Array][]> =>
  Promise.all(files.map(async ({ name, data }) => [name, new Uint8Array(await data.arrayBuffer())]));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-families-'));
  await write('models', await tinyPair(SMALLEST));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there
async function run(...args: string[]): Promise<any> {
  let text = '';
  const stdout = { write: (x: string) => (text += x) };
  await lab([...args, '--models', at('models'), '--threads', '1'], { stdout, stderr: { write: () => 0 } });
  return JSON.parse(text);
}

type Form = readonly [family: FamilyCase, dtype: FloatDType, shards: 1 | 2, storage?: WeightStorage];
const forms: Form[] = familyCases.flatMap((family): Form[] => [
  [family, 'f32', 1],
  [family, 'bf16', 1],
  // float16 holds these weights.
  [family, 'bf16', 1, 'half'],
]);
forms.push([familyCases.at(-1) as FamilyCase, 'f16', 2]);

it.each(forms.map((form) => [form[0].name, form[1], form[3] ?? 'f32', form] as const))(
  '%s from %s, kept as %s: the commands give what torch computes',
  async (name, _, storage, [family, dtype, shards]) => {
    const files = await bytesOf(familyFiles(family, dtype, shards));
    expect(files.filter(([file]) => file.endsWith('.safetensors'))).toHaveLength(shards);
    const opened = ['--open', await write(`${name}-${dtype}`, files), '--storage', storage];
    const out = at('states.npy');
    await run('states', ...opened, '--text', textOf(TEXT), '--layers', '0,1,2', '--out', out);
    const { shape, values } = readNpy(readFileSync(out));
    expect(shape).toEqual([3, TEXT.length, 16]);
    const expected = textStates(family);
    expect(distance(values, expected)).toBeLessThan(TOLERANCE);
    // Layer 0 is small beside the others, and sums of two values at most.
    const first = TEXT.length * 16;
    expect(distance(values.subarray(0, first), expected.subarray(0, first))).toBeLessThan(1e-6);

    const length = TEXT.length - 1;
    const prompt = textOf(TEXT.slice(0, length));
    const { generation } = await run('generate', ...opened, '--prompt', prompt, '--limit', '1');
    const best = mostProbable(family, length);
    expect(generation.samples[0].tokens).toMatchObject([{ id: best.id }]);
    expect(generation.samples[0].tokens[0].logProbability).toBeCloseTo(best.logProbability, DIGITS);
  },
);

it('tests the thoughts of an opened release on the rows of a file, and writes the report', async () => {
  const release = roomy(releaseCases.find(({ name }) => name === 'CODI GPT-2') as ReleaseCase);
  const files = await withFullStop([...(await releaseFiles(release)), ...baseSettings(release)]);
  const checkpoint = await write('codi', await bytesOf(files));
  const rows = ['abc.', 'ddebg.', 'hi.', 'kjih.'].map((question) => ({ question, steps: [], answer: 'a' }));
  writeFileSync(at('rows.json'), JSON.stringify(rows));
  const json = await run(
    ...['thoughts', '--open', checkpoint, '--data', at('rows.json'), '--problems', '3', '--ranks', '1'],
    ...['--html', at('report.html')],
  );
  expect(json.thoughts).toMatchObject({ label: 'opened', thoughts: 6, request: { problems: 3 } });
  expect(json.thoughts.ids).toHaveLength(3);
  expect(json.comparisons).toHaveLength(json.thoughts.points.length);
  expect(json.sentences[0]).toMatch(/^With its 6 thoughts/);
  const html = readFileSync(at('report.html'), 'utf8');
  expect(html).toContain(json.sentences[0]);
  expect(html).toContain('<svg');
}, 120_000);

it.each(['coconut', 'dart', 'adaptive'])(
  'trains a student of %s and tests its thoughts',
  async (method) => {
    const config = tinyRunBy(method, {
      ...{ data: { validation: 0, heldOut: 1 }, optimiser: { steps: 3 }, evaluation: { every: 0 } },
    });
    writeFileSync(at(`${method}.json`), JSON.stringify(config));
    const html = at(`${method}.html`);
    const json = await run(
      ...['thoughts', '--config', at(`${method}.json`), '--problems', '6', '--ranks', '1', '--html', html],
    );
    const { points, ids, fixed } = json.thoughts;
    expect(ids).toHaveLength(6);
    expect(fixed).toBe(method === 'dart');
    const kinds = new Set(points.map(({ condition }: { condition: { kind: string } }) => condition.kind));
    expect(kinds).toContain('count');
    expect(kinds.has('directions')).toBe(method !== 'dart');
    expect(json.sentences[0]).toMatch(/^With its .* the student gets/);
    expect(readFileSync(html, 'utf8')).toContain(json.sentences[0]);
  },
  60_000,
);
