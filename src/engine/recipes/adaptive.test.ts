import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { HostTensor } from '../base/dtype';
import { leftPad } from '../data/batch';
import { reasonInBranches } from '../decode/branches';
import { decoderOf } from '../decode/decoder.testing';
import { logitsOf } from '../decode/readout';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { TINY_CONFIG } from '../train/tiny.testing';
import { adaptive } from './adaptive';
import { casesOf, type Family, makeCase, ROUNDING, TOLERANCE } from './method-goldens.testing';
import { interpreted, onBackEnds, upload, valuesOf, worst } from './parity.testing';
import { adaptiveReasoning } from './shared/adaptive-path';
import { latentsFor } from './shared/adaptive-sft';

const golden = readGolden('adaptive');
const { weights, cases } = golden.meta;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** The golden with the first step alone of one of its samples: without its last step, it has no rationale. */
function shortened(family: Family, short?: number): typeof golden {
  if (short === undefined) return golden;
  const samples = golden.meta.samples[family].map((one: { readonly steps: readonly unknown[] }, i: number) =>
    i === short ? { ...one, steps: one.steps.slice(0, 1) } : one,
  );
  return { ...golden, meta: { ...golden.meta, samples: { ...golden.meta.samples, [family]: samples } } };
}

function caseOf(family: Family, name: string) {
  const {
    factor,
    bias,
    min,
    max,
    dropLast,
    skipped,
    terms,
    filter = 'mlp',
    shift,
    alone,
    temperature = 1,
    short,
  } = cases[family][name];
  const of = (term: string): number => (terms.includes(term) ? weights[term] : 0);
  return {
    ...{ golden: shortened(family, short), family, name, recipe: adaptive },
    config: {
      method: 'adaptive',
      latents: { factor, bias, min, max, filter, detachStop: alone === true, stopTemperature: temperature },
      alignment: { dropLast, skipped, position: shift ? 'answer-start' : 'prompt-end' },
      weights: { ...weights, codi: of('codi'), meaned: of('meaned') },
    } as const,
  };
}

describe('a step agrees with torch, terms and gradients', () => {
  it.each(casesOf(golden.meta))('%s, %s', async (family, name) => {
    // Of one, the gradients cancel in part, and more of float32's rounding is left: 3.0e-5; float64 has it to 5e-6, see below.
    const limit = name === 'no-latents' ? 2 * TOLERANCE : TOLERANCE;
    expect(await onBackEnds(await makeCase(caseOf(family, name)), runtime)).toBeLessThan(limit);
  });

  // The weights of means are rounded to float32 here too, and gradients of several paths cancel in part.
  it('in the float64 interpreter, to the rounding of the golden file and of the weights', async () => {
    for (const name of ['middle', 'no-latents'])
      expect(worst(interpreted(await makeCase(caseOf('llama', name)))), name).toBeLessThan(5 * ROUNDING);
  });
});

describe('the schedule', () => {
  it('gives n = min(max, max(min, c·k + b)) latents to k steps', () => {
    const of = (latents: object, k: number) => latentsFor(parseRunConfig({ method: 'adaptive', latents }), k);
    const by1 = { factor: 1, bias: 5, min: 0, max: 10 };
    expect([1, 3, 5, 9].map((k) => of(by1, k))).toEqual([6, 8, 10, 10]);
    const six = { factor: 0, bias: 0, min: 6, max: 6 };
    expect([1, 3, 9].map((k) => of(six, k))).toEqual([6, 6, 6]);
    expect(of({ factor: 1, bias: -4, min: 1, max: 3 }, 2)).toBe(1);
    expect(of({ factor: 1, bias: -4, min: 0, max: 3 }, 2)).toBe(0);
  });

  it('asks for as many decisions as latents to go on, and one to stop, weighed with the text’s tokens as one mean', async () => {
    const { feeds } = await makeCase(caseOf('llama', 'codi'));
    const rows = (name: string): number[][] => {
      const { shape, data } = feeds[name] as HostTensor;
      const width = shape[1] as number;
      return Array.from({ length: shape[0] as number }, (_, b) =>
        Array.from(data).slice(b * width, (b + 1) * width),
      );
    };
    // 2, 1 and 3 latents.
    expect(rows('decisions.targets').map((row) => row.slice(0, 4))).toEqual([
      [0, 0, 1, 1],
      [0, 1, 1, 1],
      [0, 0, 0, 1],
    ]);
    const counted = (name: string): number[] => rows(name).map((row) => row.filter((w) => w > 0).length);
    expect(counted('decisions.weights')).toEqual([3, 2, 4]);
    expect(counted('text.weights')).toEqual([5, 6, 5]);
    const sum = [...rows('decisions.weights'), ...rows('text.weights')].flat().reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(1, 6);
  });

  it('refuses schedules and blocks that cannot be', () => {
    const check = (config: object) => () =>
      adaptive.check?.(parseRunConfig({ method: 'adaptive', ...config }), TINY_CONFIG);
    expect(check({ latents: { min: 5, max: 4 } })).toThrow('at least 5 latents and at most 4');
    expect(check({ alignment: { skipped: 1 } })).toThrow('a model of 2');
  });
});

describe('the decoder reasons as the step does', () => {
  const open = async (batch: number, name = 'codi') => {
    const made = await makeCase(caseOf('llama', name));
    const tape = made.tape();
    const question = (made.feeds['question.ids'] as HostTensor).shape[1] as number;
    const { parameters } = tape;
    const shape = {
      config: made.config,
      batch,
      question,
      capacity: question + 16,
      parameters: parameters.specs,
    };
    const decoder = await decoderOf(runtime, made.weights, shape);
    const values = upload(runtime, tape, valuesOf(made, tape));
    decoder.setParameters(values);
    return { decoder, question, dispose: () => decoder.dispose().then(() => values.map((x) => x.dispose())) };
  };
  const samples: { question: number[]; prompt: number[]; answer: number[] }[] = golden.meta.samples.llama;
  const form = { filter: 'mlp', stopTemperature: 1 } as const;
  const reasoning = adaptiveReasoning({ ...form, min: 0, max: 4 });
  const logSumExp = (row: Float32Array): number => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));

  it.each(['codi', 'tempered'])(
    'rows that stop after 2, 1 and 3 latents have the golden’s cross entropies: %s',
    async (name) => {
      const { decoder, question, dispose } = await open(3, name);
      const { temperature: stopTemperature = 1 } = cases.llama[name];
      const lengths = [2, 1, 3];
      const { ids, keyMask } = leftPad(
        samples.map((one) => one.question),
        question,
        0,
      );
      let [decided, written, count] = [0, 0, 0];
      const visited: number[][] = [];
      await reasonInBranches(
        decoder,
        await decoder.begin(ids, keyMask),
        adaptiveReasoning({ ...form, stopTemperature, min: 0, max: 4 }),
        {
          stops: (odds, t) =>
            lengths.map((n, b) => {
              if (t > n) return false;
              // −log P(stop) where the row stops, −log P(continue) before.
              decided += Math.log1p(Math.exp((t === n ? -1 : 1) * (odds[b] as number)));
              count++;
              return t === n;
            }),
        },
        async ({ state, rows, latents }) => {
          visited.push([latents, ...rows]);
          const texts = samples.map(({ prompt, answer }) => [...prompt, ...answer, 1]);
          let at = state;
          for (let j = 0; j < 6; j++) {
            const logits = await logitsOf(decoder, at);
            const V = logits.length / 3;
            for (const b of rows) {
              const id = texts[b]?.[j];
              if (id === undefined) continue;
              const row = logits.subarray(b * V, (b + 1) * V);
              written += logSumExp(row) - (row[id] as number);
              count++;
            }
            const next = await decoder.advance(at, { tokens: texts.map((text) => text[j] ?? 0) });
            if (at !== state) at.dispose();
            at = next;
          }
          at.dispose();
        },
      );
      expect(visited).toEqual([
        [1, 1],
        [2, 0],
        [3, 2],
      ]);
      const expected = (term: string): number =>
        (golden.scalar(`llama.${name}.weighted.${term}`) / weights[term]) * count;
      // float32 against torch's float64.
      expect(Math.abs(written / expected('answer') - 1)).toBeLessThan(1e-5);
      expect(Math.abs(decided / expected('stop') - 1)).toBeLessThan(1e-5);
      await dispose();
    },
  );

  it('a row stops where it is more probable, by itself as among others, within its limits; nothing is left behind', async () => {
    const stopped = async (rows: typeof samples, limits = reasoning): Promise<number[]> => {
      const { decoder, question, dispose } = await open(rows.length);
      const { ids, keyMask } = leftPad(
        rows.map((one) => one.question),
        question,
        0,
      );
      const lengths: number[] = [];
      await reasonInBranches(decoder, await decoder.begin(ids, keyMask), limits, {}, async (branch) => {
        for (const row of branch.rows) lengths[row] = branch.latents;
      });
      expect(decoder.stateBytes).toBe(0);
      await dispose();
      return lengths;
    };
    const together = await stopped(samples);
    expect(new Set(together).size).toBeGreaterThan(1);
    for (const [b, sample] of samples.entries()) expect(await stopped([sample])).toEqual([together[b]]);
    expect(await stopped(samples, adaptiveReasoning({ ...form, min: 3, max: 3 }))).toEqual([3, 3, 3]);
    const least = await stopped(samples, adaptiveReasoning({ ...form, min: 1, max: 4 }));
    expect(Math.min(...least)).toBeGreaterThanOrEqual(1);
    expect(runtime.liveTensors).toBe(0);
  });
});
