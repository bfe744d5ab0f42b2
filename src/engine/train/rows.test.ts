import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { Rng } from '../base/rng';
import { ModelOnDevice } from '../model/model-on-device';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { compileWhole } from './compile-whole';
import { interpretedStep } from './interpreted.testing';
import { compileLayerwise } from './layerwise/compile';
import { type Row, randomRows, recordRows, rowFeeds } from './rows.testing';
import type { Tape } from './tape/tape';
import { normals, randomWeights, relativeError, TINY_CONFIG } from './tiny.testing';

/** f32 with sums in another order, where gradients nearly cancel; measured at most 1.1e-5, and 6e-7 in float64. */
const TOLERANCE = 5e-5;
/** Float64, except for rotary tables in f32: left padding rotates by other angles than a single row. */
const TABLES = 5e-6;

const UNEQUAL_LENGTHS = randomRows(TINY_CONFIG.vocabSize, [
  { question: 3, rationale: 5, answer: 1, latents: 2 },
  { question: 5, rationale: 2, answer: 3, latents: 2 },
  { question: 4, rationale: 4, answer: 2, latents: 2 },
]);
const UNEQUAL_LATENTS = randomRows(TINY_CONFIG.vocabSize, [
  { question: 3, rationale: 2, answer: 2, latents: 3 },
  { question: 5, rationale: 4, answer: 3, latents: 0 },
  { question: 4, rationale: 3, answer: 1, latents: 1 },
]);

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const CASES: [string, readonly Row[]][] = [
  ['questions, rationales and answers of unequal length', UNEQUAL_LENGTHS],
  ['unequal numbers of latents', UNEQUAL_LATENTS],
];

interface Found {
  readonly terms: Readonly<Record<string, number>>;
  readonly gradients: readonly (Float32Array | Float64Array)[];
}

const rng = new Rng(3);
const weights = randomWeights(TINY_CONFIG, rng.fork('weights'));
const valuesOf = ({ parameters }: Tape) =>
  parameters.all.map(({ name, shape }) => normals(rng.fork(name), shape[0] as number, 0.25));

/** The step of some rows by the float64 interpreter. */
function interpreted(rows: readonly Row[]): Found {
  const tape = recordRows(TINY_CONFIG, rows);
  const [terms, ...gradients] = interpretedStep(tape, weights, rowFeeds(rows), valuesOf(tape));
  return { terms: Object.fromEntries(tape.terms.map((name, i) => [name, terms[i] as number])), gradients };
}

/** The step of some rows, run on several feeds. */
async function run(
  rows: readonly Row[],
  form: 'whole' | 'layerwise',
  feeds: readonly Record<string, HostTensor>[],
): Promise<Found[]> {
  const model = new ModelOnDevice(runtime, TINY_CONFIG, weights);
  const tape = recordRows(TINY_CONFIG, rows);
  const step =
    form === 'whole' ? await compileWhole(model, tape, 'step') : await compileLayerwise(model, tape);
  const packs = valuesOf(tape).map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  const found: Found[] = [];
  for (const each of feeds) {
    const { terms, gradients } = await step.run(each, packs);
    found.push({
      terms: Object.fromEntries(step.terms.map((name, i) => [name, terms?.data[i] as number])),
      gradients: gradients.map(({ data }) => (data as Float32Array).slice()),
    });
  }
  for (const pack of packs) pack.dispose();
  await step.dispose();
  await model.release();
  return found;
}

/** Worst relative error; a term that one side lacks, because it has no latents, is zero on the other. */
function errorOf(actual: Found, expected: Found): number {
  const terms = Object.entries(actual.terms).map(([name, term]) => {
    const other = expected.terms[name] ?? 0;
    return other === 0 ? Math.abs(term) : Math.abs(term - other) / Math.abs(other);
  });
  return Math.max(
    ...terms,
    ...actual.gradients.map((g, i) => relativeError(g, expected.gradients[i] as Float64Array)),
  );
}

const sumOf = (parts: readonly Found[]): Found => ({
  terms: Object.fromEntries(
    Object.keys(Object.assign({}, ...parts.map(({ terms }) => terms))).map((name) => [
      name,
      parts.reduce((sum, { terms }) => sum + (terms[name] ?? 0), 0),
    ]),
  ),
  gradients: (parts[0] as Found).gradients.map((g, i) =>
    g.map((_, j) => parts.reduce((sum, { gradients }) => sum + (gradients[i]?.[j] as number), 0)),
  ),
});

describe.each(['whole', 'layerwise'] as const)('a row in a batch equals the row alone: %s', (form) => {
  it.each(CASES)('%s', async (name, rows) => {
    const only = rows.map((row) => rowFeeds(rows, (other) => other === row));
    const [together, ...each] = await run(rows, form, [rowFeeds(rows), ...only]);
    const alone: Found[] = [];
    for (const row of rows) alone.push(...(await run([row], form, [rowFeeds([row])])));
    const errors = [
      ...each.map((found, b) => errorOf(found, alone[b] as Found)),
      errorOf(together as Found, sumOf(alone)),
    ];
    if (process.env.SHOW) console.log(form, name, errors);
    expect(alone.every(({ gradients }) => gradients.every((g) => g.some((x) => Math.abs(x) > 1e-4)))).toBe(
      true,
    );
    expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
  });
});

describe('a batch equals the sum of its rows alone, in float64', () => {
  it.each(CASES)('%s', (name, rows) => {
    const error = errorOf(interpreted(rows), sumOf(rows.map((row) => interpreted([row]))));
    if (process.env.SHOW) console.log('float64', name, error);
    expect(error).toBeLessThan(TABLES);
  });
});
