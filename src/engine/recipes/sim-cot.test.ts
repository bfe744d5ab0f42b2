import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig } from '../../contract/config';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { Tape } from '../train/tape/tape';
import { TINY_GPT2 } from '../train/tiny.testing';
import { casesOf, type Family, makeCase } from './method-goldens.testing';
import { expectParity, gradientNorms } from './parity.testing';
import { parametersOf } from './shared/trained';
import { simCot } from './sim-cot';

const golden = readGolden('simcot');
const { meta } = golden;

const parity = (family: Family, name: string, weights: object = meta.weights) => {
  const { latents, projection = true, released = false } = meta.cases[family][name];
  return makeCase({
    ...{ golden, family, name, recipe: simCot },
    config: {
      method: 'sim-cot',
      latent: { steps: latents },
      projection: { use: projection, width: meta.width },
      decoder: { targets: released ? 'released' : 'steps' },
      teacher: { rationale: 'steps' },
      distillation: { form: 'smooth-l1' },
      answer: { supervised: 'answer' },
      lora: { rank: meta.rank, alpha: meta.alpha },
      weights,
    },
  });
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

it.each(casesOf(meta))('SIM-CoT agrees with torch: %s, %s', async (family, name) => {
  await expectParity(await parity(family, name), runtime);
});

it('the steps’ loss alone reaches the latents’ projection, the student’s adapter and the decoder’s', async () => {
  const alone = await parity('llama', 'one', { answer: 0, teacher: 0, distillation: 0, explain: 1 });
  const norms = gradientNorms(alone);
  for (const name of ['projection.in.weight', 'student.0', 'decoder.0', 'tokens'])
    expect(norms[name], name).toBeGreaterThan(1e-3);
});

it('the decoder reads a thought without the vector of its position, where a model has these', () => {
  const parameters = parametersOf(
    simCot as never,
    parseRunConfig({ method: 'sim-cot', latent: { steps: 1 } }),
    TINY_GPT2,
  );
  const tape = new Tape(parameters, 2);
  const layout = { batch: 2, question: 3, prompt: 2, answer: 2, explicit: 6 };
  const config = parseRunConfig({ method: 'sim-cot', latent: { steps: 1 } }) as ConfigOf<'sim-cot'>;
  simCot.record(tape, { config, layout, losses: {}, sizes: { step: 3 } });
  const read = tape.entries.flatMap((entry) =>
    entry.kind === 'compute' && entry.name === '1 and 2 positions joined' ? [entry.inputs[0]] : [],
  );
  const made = read.map((value) => (value?.kind === 'computed' ? value.entry.name : ''));
  expect(made.length).toBeGreaterThan(1);
  for (const name of made) expect(name).toMatch(/^feedback/);
});
