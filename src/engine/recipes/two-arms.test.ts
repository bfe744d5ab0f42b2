import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig } from '../../contract/config';
import { REINFORCED } from '../../contract/methods/grpo';
import type { HostTensor } from '../base/dtype';
import { Rng } from '../base/rng';
import { layoutOf } from '../data/batch';
import type { ProblemCodec, TokenProblem } from '../data/tokens';
import { ModelOnDevice } from '../model/model-on-device';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { readGolden } from '../testing/golden.testing';
import { compileWhole } from '../train/compile-whole';
import { hostOptimiser } from '../train/optimiser';
import type { TapeRun } from '../train/step';
import { Tape } from '../train/tape/tape';
import { grpo } from './grpo';
import { makeCase } from './method-goldens.testing';
import { upload, valuesOf } from './parity.testing';
import { REFERENCE } from './shared/policy-step';
import type { Policy, Recipe } from './shared/recipe';
import { parametersOf } from './shared/trained';

/**
 * GRPO as a bandit: at the first latent the stop head pulls one of two arms, to stop there or to go on to the third, and the arm says
 * what is written. Rewards, advantages and the policy's step are the method's; of the policy only the stop head is trained, which
 * begins with even odds.
 */
const [SHORT, LONG] = [1, 3] as const;
const [GROUP, STEPS] = [8, 30] as const;
const [PROMPT, ANSWER, OTHER, END] = [2, 7, 9, 1] as const;
const TEXTS: Readonly<Record<number, string>> = {
  [PROMPT]: 'The answer is:',
  [ANSWER]: ' 7',
  [OTHER]: ' 9',
};

const configOf = (coefficients: object = {}): ConfigOf<'grpo'> =>
  parseRunConfig({
    method: 'grpo',
    latents: { min: SHORT, max: LONG },
    weights: { policy: 1, kl: 0 },
    reinforcement: { group: GROUP, tokens: 3, ...coefficients },
  }) as ConfigOf<'grpo'>;

interface Arms {
  /** By default the paper's: λ_penalty 1e-4, λ_reward 0.1, p_cutoff 1. */
  readonly coefficients?: object;
  /** Whether the row of a group that pulled an arm writes the right answer. */
  right(arm: number, row: number): boolean;
}

interface Bandit {
  /** Mean latents drawn at each step, and how probable it is to stop after one before the first step and after the last. */
  play(
    arms: Arms,
  ): Promise<{ readonly lengths: readonly number[]; readonly stops: readonly [number, number] }>;
  dispose(): Promise<void>;
}

let runtime: Runtime;
let bandit: Bandit;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  bandit = await openBandit();
}, 60_000);
afterAll(async () => {
  await bandit.dispose();
  expect(runtime.liveTensors).toBe(0);
  runtime.dispose();
});

async function openBandit(): Promise<Bandit> {
  const golden = readGolden('grpo');
  const of = { golden, family: 'llama', name: 'step', recipe: grpo } as const;
  const made = await makeCase({ ...of, config: { method: 'grpo' } });
  const { question } = golden.meta.completions.llama[0];
  const one: TokenProblem = { question, rationale: [], steps: [], answer: [ANSWER, END] };
  const problems = Array.from({ length: GROUP }, () => one);
  const codec: Pick<ProblemCodec, 'prompt' | 'padId' | 'endId'> = { prompt: [PROMPT], padId: 0, endId: END };
  const training = { problems, layout: layoutOf(problems, codec, GROUP), codec };
  const inputsFor = (config: ConfigOf<'grpo'>) => grpo.inputs?.(config, training, REINFORCED);
  const model = new ModelOnDevice(runtime, made.config, made.weights);
  const config = configOf();
  const recorded = (record: Recipe<ConfigOf<'grpo'>>['record']): Tape => {
    const tape = new Tape(parametersOf(grpo as unknown as Recipe, config, model.config), GROUP);
    record(tape, { config, ...training, losses: {}, stage: REINFORCED, sizes: inputsFor(config)?.sizes });
    return tape;
  };
  const tape = recorded(grpo.record);
  const step = await compileWhole(model, tape, 'step');
  const actions = await compileWhole(model, recorded(grpo.recordReference as Recipe['record']), 'actions');
  const isHead = ({ name }: { readonly name: string }): boolean => name.startsWith('stop.');
  const begin = valuesOf(made, tape).map((x, i) => (isHead(tape.parameters.all[i] as never) ? x.fill(0) : x));
  return {
    async play({ coefficients, right }) {
      const values = upload(
        runtime,
        tape,
        begin.map((x) => x.slice()),
      );
      const groups = tape.parameters.all.map((p) => ({ decay: false, rateFactor: isHead(p) ? 1 : 0 }));
      const optimiser = hostOptimiser(
        values,
        { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clip: 1 },
        groups,
      );
      const inputs = inputsFor(configOf(coefficients));
      const draw = (pull: (by: Rng) => number, at: number) => {
        const complete: Policy['complete'] = async (rows, by) => {
          const random = new Rng(by.step).fork('arms');
          return rows.map((_, row) => {
            const latents = pull(random);
            return { latents, text: [PROMPT, right(latents, row) ? ANSWER : OTHER, END] };
          });
        };
        const text = (ids: readonly number[]): string => ids.map((id) => TEXTS[id]).join('');
        return inputs?.draw?.(
          problems,
          { step: at, samples: [0] },
          { complete, reference: async () => ({}), text },
        );
      };
      const short = (await draw(() => SHORT, 0))?.feeds ?? {};
      const stopping = () => stopProbability(actions, short, values);
      const first = await stopping();
      const lengths: number[] = [];
      for (let at = 0; at < STEPS; at++) {
        const stop = await stopping();
        const drawn = await draw((random) => (random.uniform() < stop ? SHORT : LONG), at);
        const all = drawn?.groups.flatMap(({ completions }) => completions) ?? [];
        // Reasoning counts START and END.
        lengths.push(all.reduce((sum, { length }) => sum + length - 2, 0) / all.length);
        const { gradients, terms } = await step.run(drawn?.feeds ?? {}, values);
        await optimiser.update(gradients, 0.02, terms as DeviceTensor);
      }
      const last = await stopping();
      optimiser.dispose();
      for (const value of values) value.dispose();
      return { lengths, stops: [first, last] };
    },
    async dispose() {
      for (const run of [step, actions]) await run.dispose();
      await model.release();
    },
  };
}

/** That the first row stops after one latent. */
async function stopProbability(actions: TapeRun, feeds: Record<string, HostTensor>, values: DeviceTensor[]) {
  const { outputs } = await actions.run(feeds, values);
  const logs = (await outputs[REFERENCE.decisions]?.read()) as Float32Array;
  return Math.exp(logs[SHORT] as number);
}

const mean = (of: readonly number[]): number => of.reduce((sum, x) => sum + x, 0) / of.length;
const always = () => true;
/** One of four is wrong, whatever its arm. */
const often = (_arm: number, row: number) => row % 4 > 0;

describe('two arms, of one latent and of three', () => {
  it.each([
    // As figure 2 of the paper: all are right, so that length is penalised, if only by 1e-4.
    ['both right: the length falls', { right: always }, SHORT],
    ['some wrong, fewer right than the cutoff: it grows', { right: often }, LONG],
    [
      'some wrong, more right than the cutoff: it falls',
      { right: often, coefficients: { cutoff: 0.7, penalty: 0.5 } },
      SHORT,
    ],
    ['only the long one right: it grows', { right: (arm: number) => arm === LONG }, LONG],
  ] as const)('%s', async (_name, arms, end) => {
    const { lengths, stops } = await bandit.play(arms);
    if (process.env.SHOW) console.log(lengths.map((x) => x.toFixed(2)).join(' '), stops);
    expect(stops[0]).toBeCloseTo(0.5, 6);
    expect(Math.abs((lengths[0] as number) - (SHORT + LONG) / 2)).toBeLessThan(0.6);
    expect(end === SHORT ? stops[1] : 1 - stops[1]).toBeGreaterThan(0.9);
    expect(Math.abs(mean(lengths.slice(-8)) - end)).toBeLessThan(0.3);
  });

  it('nothing said of length, and both right: it stays as it is', async () => {
    const { lengths, stops } = await bandit.play({ right: always, coefficients: { penalty: 0 } });
    expect(stops[1]).toBe(stops[0]);
    expect(new Set(lengths).size).toBeGreaterThan(1);
  });
});
