import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig } from '../../contract/config';
import type { HostTensor } from '../base/dtype';
import { problemCodec } from '../data/tokens';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import tokenizerText from '../testing/tiny-tokenizer.json?raw';
import tokenizerConfigText from '../testing/tiny-tokenizer-config.json?raw';
import { loadTokenizer } from '../tokenizer/tokenizer';
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

it.each([
  ['all but the last, which states the answer', {}, 1],
  ['all', { teacher: { rationale: 'steps' } }, 0],
] as const)(
  'the decoder says the steps that the explicit path writes: %s',
  async (_what, changes, unwritten) => {
    const tokenizer = await loadTokenizer(JSON.parse(tokenizerText), JSON.parse(tokenizerConfigText));
    const codec = problemCodec(tokenizer, [1]);
    const steps = ['<<3+4=7>>', '<<7-2=5>>', '<<5+9=14>>', '<<14-1=13>>', '<<13+2=15>>'];
    const config = parseRunConfig({
      method: 'sim-cot',
      latent: { steps: 2 },
      ...changes,
    }) as ConfigOf<'sim-cot'>;
    const problems = [5, 4, 2, 1].map((n) =>
      codec.encode({ question: '3+4', steps: steps.slice(0, n), answer: '7' }, simCot.rationale?.(config)),
    );
    const written = [5, 4, 2, 1].map((n) => steps.slice(0, n - unwritten));
    expect(problems.map(({ rationale }) => tokenizer.decode(rationale))).toEqual(
      written.map((of) => of.join(' ')),
    );

    const layout = { batch: 4, question: 3, prompt: 4, answer: 2, explicit: 40 };
    const inputs = simCot.inputs?.(config, { problems, layout, codec }, 0);
    const feeds = inputs?.feeds(problems, { samples: [0, 1, 2, 3], step: 0 }) ?? {};
    const { data, shape } = feeds['steps.targets'] as HostTensor;
    const weights = (feeds['steps.weights'] as HostTensor).data;
    // As many slots as latents, and one for what would be fed next.
    const T = (shape[1] as number) / 3;
    const said = problems.map((_, b) =>
      [0, 1, 2].map((slot) => {
        const at = (b * 3 + slot) * T;
        return Array.from(data.subarray(at, at + T)).filter((_id, j) => (weights[at + j] as number) > 0);
      }),
    );
    const ids = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
    // Steps beyond the last slot are joined in it, with one end.
    const expected = written.map((of) =>
      [of.slice(0, 1), of.slice(1, 2), of.slice(2)].map((own) =>
        own.length > 0 ? [...own.flatMap(ids), codec.endId] : [],
      ),
    );
    expect(said).toEqual(expected);
  },
);
