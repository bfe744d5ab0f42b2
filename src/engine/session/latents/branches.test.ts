import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInterventions } from '../../../contract/intervention-text';
import { InputError } from '../../base/errors';
import { prompted } from '../../decode/greedy';
import { hiddenOf, logitsOf } from '../../decode/readout';
import { feedbackOf } from '../../decode/reasoning';
import type { Feedback } from '../../nn/feedback';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { relativeError } from '../../train/tiny.testing';
import { answerDifference, answerIds, divergence } from './answers';
import { type GoldenBranches, openBranches } from './branches.testing';

/** float32 against torch in float64, over three thoughts and a prompt through two layers. Measured 2e-5. */
const TOLERANCE = 1e-4;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const logShares = (logits: Float32Array): number[] => {
  const log = Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0));
  return Array.from(logits, (x) => x - log);
};

/** All that a branch ends in: the last thought's hidden states, and the logits after the prompt. */
async function end({ tree, K, answering, decoder, runner }: GoldenBranches, text: string) {
  const all = readInterventions(text);
  const { state, ran } = await tree.at(all, K);
  const hidden = await hiddenOf(state);
  const ofPrompt = all.filter(({ of }) => of === 'prompt');
  const logits = await runner.prompted(state, answering.prompt, ofPrompt, (after) =>
    logitsOf(decoder, after),
  );
  return { hidden, logits, ran };
}

/** Every case against torch; `every`: which of the hidden numbers are stored. */
async function compareAll(model: GoldenBranches, every = 1): Promise<void> {
  const errors = { hidden: 0, log: 0 };
  for (const [i, text] of model.cases.entries()) {
    const { hidden, logits } = await end(model, text);
    const want = model.golden.tensor(`${i}.hidden`).data;
    const found = relativeError(
      hidden.filter((_, n) => n % every === 0),
      want,
    );
    expect(found, `${text}, hidden states`).toBeLessThan(TOLERANCE);
    const shares = logShares(logits);
    const log = model.golden.tensor(`${i}.log`).data;
    const largest = Math.max(...shares.map((x, id) => Math.abs(x - (log[id] as number))));
    expect(largest, `${text}, log-probabilities`).toBeLessThan(TOLERANCE);
    errors.hidden = Math.max(errors.hidden, found);
    errors.log = Math.max(errors.log, largest);
  }
  if (process.env.SHOW) console.log(model.cases.length, 'cases', errors);
}

describe.each(['qwen2', 'gpt2'] as const)('interventions on %s', (name) => {
  it('equal the same in torch, each and all', async () => {
    const model = await openBranches(runtime, name);
    expect(model.cases.length).toBeGreaterThan(40);
    const kinds = new Set(model.cases.flatMap((text) => text.match(/:[a-z]+/g) ?? []));
    expect([...kinds].sort().join('')).toBe(':add:interpolate:noise:project:remove:replace:scale:zero');
    const positions = new Set(model.cases.flatMap((text) => text.match(/\b[zqp](?=\d+(@|:))/g) ?? []));
    expect([...positions].sort().join('')).toBe('pqz');
    await compareAll(model);
    await model.dispose();
  });
});

describe.each([
  ['of two layers', 'gpt2-wide', true],
  // 85 million weights: a minute. `DEEP=1 npx vitest run --project node src/engine/session/latents/branches.test.ts`
  ['of twelve layers', 'gpt2-deep', process.env.DEEP !== undefined],
] as const)('interventions at GPT-2’s width, %s', (_what, name, isRun) => {
  it.runIf(isRun)(
    'equal the same in torch, at thoughts, at tokens and inside layers',
    async () => {
      const model = await openBranches(runtime, name);
      expect(model.config).toMatchObject({ hiddenSize: 768, heads: 12 });
      await compareAll(model, 48);
      await model.dispose();
    },
    300_000,
  );
});

describe('a tree of branches', () => {
  let model: GoldenBranches;
  beforeAll(async () => {
    model = await openBranches(runtime, 'qwen2');
  });
  afterAll(() => model.dispose());

  it('replays an unmodified run to the bits of the straight run, whatever was tried in between', async () => {
    const { decoder, K, answering } = model;
    let state = await model.read();
    for (let t = 0; t < K; t++)
      state = await decoder.step(state, { latent: feedbackOf(model.runner.reasoning) as Feedback });
    for (const id of answering.prompt) state = await decoder.step(state, { tokens: [id] });
    const straight = await logitsOf(decoder, state);
    state.dispose();
    for (const text of ['', ...model.cases, '']) {
      const { logits } = await end(model, text);
      if (text === '') expect(logits).toEqual(straight);
      else expect(relativeError(logits, straight), text).toBeGreaterThan(1e-4);
    }
  });

  it('runs only what a branch changes', async () => {
    const fresh = await openBranches(runtime, 'qwen2');
    const ran = async (text: string) => (await end(fresh, text)).ran;
    expect(await ran('')).toBe(4);
    expect(await ran('')).toBe(0);
    expect(await ran('z3:zero')).toBe(1);
    expect(await ran('z2:zero')).toBe(2);
    expect(await ran('z2:zero;z3:zero')).toBe(1);
    expect(await ran('z3:zero')).toBe(0);
    // A question that is changed is read again; a prompt is fed after all thoughts, and changes none.
    expect(await ran('q2@residual.1:zero')).toBe(4);
    expect(await ran('q2@residual.1:zero;z3:zero')).toBe(1);
    expect(await ran('p1@residual.1:zero')).toBe(0);
    await fresh.dispose();
  });

  it('is changed by nothing after the last use', async () => {
    const { logits } = await end(model, '');
    // The last thought's final state is read by nothing: the prompt is fed next, and its keys and values are made before.
    expect((await end(model, 'z3@residual.2:zero')).logits).toEqual(logits);
    expect(relativeError((await end(model, 'z3@mlp.in.2:noise(3)')).logits, logits)).toBe(0);
    // So is that of a token of the question, but for the last one, from which the first thought is made.
    expect(relativeError((await end(model, 'q3@residual.2:zero')).logits, logits)).toBeLessThan(1e-6);
    expect(relativeError((await end(model, 'q5@residual.2:zero')).logits, logits)).toBeGreaterThan(1e-3);
    expect((await end(model, 'z2@residual.2:zero')).logits).not.toEqual(logits);
    expect((await end(model, 'z3@residual.1:zero')).logits).not.toEqual(logits);
  });

  it('drops states beyond its bound, the longest unused first, and replays them to the same bits', async () => {
    const { state } = await model.tree.at([], 0);
    const roomy = await openBranches(runtime, 'qwen2');
    const tight = await openBranches(runtime, 'qwen2', 2 * state.bytes);
    for (const text of model.cases) {
      const [one, other] = [await end(tight, text), await end(roomy, text)];
      expect(one.logits, text).toEqual(other.logits);
      expect(tight.tree.bytes).toBeLessThanOrEqual(2 * state.bytes);
    }
    expect(roomy.tree.bytes).toBeGreaterThan(20 * state.bytes);
    await end(tight, 'z1:zero');
    expect((await end(tight, '')).ran).toBe(4);
    await roomy.dispose();
    await tight.dispose();
  });

  it('refuses layers, vectors, directions and texts that there are not', async () => {
    const refusal = async (text: string) => {
      const thrown = await end(model, text).catch((error: unknown) => error);
      expect(thrown, text).toBeInstanceOf(InputError);
      return (thrown as Error).message;
    };
    expect(await refusal('z1@mlp.in.3:zero')).toContain('layer 3; the model has layers 1 to 2');
    expect(await refusal('z1:replace(values(1,2))')).toContain('a vector of 2 values; 16 are expected');
    expect(await refusal('z1:project(9,2,"uncentred","inside")')).toContain('9 directions; the 6 thoughts');
    expect(await refusal('z1:add(token("4 5"),1)')).toContain('is 2 tokens');
    expect(await refusal('z1:remove(difference("4","4"))')).toContain('is zero');
    expect(await refusal('z1:replace(thought(4))')).toContain('thought 4; there are 3');
    expect(await refusal('q6:zero')).toContain('token 6 of the question, which has 5');
    expect(await refusal('p3:zero')).toContain('token 3 of the answer’s prompt, which has 2');
    expect(await refusal('q1@mlp.in.3:zero')).toContain('layer 3; the model has layers 1 to 2');
    expect(await refusal('q1:replace(question(4,"other"))')).toContain(
      'token 4 of the question, which has 3',
    );
    expect(await refusal('q1:project(12,3,"centred","inside")')).toContain(
      'the 12 question tokens of 3 problems span 11',
    );
    // What was refused has left nothing behind.
    expect((await end(model, '')).ran).toBe(0);
  });

  it('cancels between two problems of what it gathers', async () => {
    const done: number[] = [];
    const controller = new AbortController();
    model.vectors.asking = {
      signal: controller.signal,
      onProgress: (n) => {
        done.push(n);
        if (n === 1) controller.abort();
      },
    };
    await expect(end(model, 'z1@attention.in.1:replace(mean(3))')).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(done).toEqual([0, 1]);
    model.vectors.asking = {};
    expect((await end(model, 'z1@attention.in.1:replace(mean(3))')).ran).toBe(3);
  });

  it('says how answers differ: nothing for equal ones, and Σ p·log(p/q) at every token of the first', async () => {
    const { tree, K, answering, decoder, tokenizer } = model;
    const stateOf = async (text: string) => {
      let { state } = await tree.at(readInterventions(text), K);
      for (const id of answering.prompt) state = await decoder.advance(state, { tokens: [id] });
      return state;
    };
    const [plain, same, other] = [await stateOf(''), await stateOf(''), await stateOf('z2:zero')];
    const [p, q] = [logShares(await logitsOf(decoder, plain)), logShares(await logitsOf(decoder, other))];
    const ids = await answerIds(answering, plain);
    const differ = (after: typeof plain) =>
      answerDifference(answering, tokenizer, { before: plain, after }, ids);
    const none = await differ(same);
    expect(none.divergence.every(({ nats }) => nats === 0)).toBe(true);
    expect(none.divergence).toHaveLength(ids.length + 1);
    const some = await differ(other);
    const want = p.reduce((sum, log, id) => sum + Math.exp(log) * (log - (q[id] as number)), 0);
    expect(want).toBeGreaterThan(1e-3);
    expect(some.divergence[0]?.nats).toBeCloseTo(want, 5);
    const [largest] = some.first;
    const changes = p.map((log, id) => Math.abs(Math.exp(log) - Math.exp(q[id] as number)));
    expect(largest?.id).toBe(changes.indexOf(Math.max(...changes)));
    // Nothing is fed where there is no prompt, and the state stays its owner's.
    expect(await prompted({ ...answering, prompt: [] }, plain, async (state) => state)).toBe(plain);
    for (const state of [plain, same, other]) state.dispose();
    expect(
      divergence(
        Float64Array.of(Math.log(0.25), Math.log(0.75)),
        Float64Array.of(Math.log(0.5), Math.log(0.5)),
      ),
    ).toBeCloseTo(0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), 12);
  });
});
