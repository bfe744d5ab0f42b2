import { describe, expect, it } from 'vitest';
import { compareThoughts, type ThoughtCondition, verdictOf } from '../../../contract/thought-test';
import { conditionWords, verdictSentences } from '../../../contract/thought-test-words';
import type { HostTensor } from '../../base/dtype';
import { CancelledError } from '../../base/errors';
import { Rng } from '../../base/rng';
import type { Decoder, DecoderInput } from '../../decode/decoder';
import type { Reasoning } from '../../decode/reasoning';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { type ThoughtTestOf, thoughtTestReport } from './report';

/**
 * Students constructed so that the truth about their thoughts is known. Each is asked for a digit that its
 * question names, makes K thoughts of 12 numbers, the second of which encodes that digit, and answers by a
 * rule of its own.
 */
const [B, S, K, H, V] = [4, 3, 3, 12, 24];
const END = 1;
const PROMPT = [20, 21];
const tokenOf = (digit: number) => 10 + digit;

interface Row {
  readonly digit: number;
  readonly thoughts: readonly Float32Array[];
  readonly said: number;
}

type Rule = (row: Row) => number;

const strongest = (x: Float32Array | undefined): number =>
  x ? x.subarray(0, 10).reduce((best, value, i) => (value > (x[best] as number) ? i : best), 0) : 0;

const reasoning: Reasoning = {
  adapters: [],
  stages: [{ kind: 'latents', steps: K, feedback: { kind: 'hidden' } }],
};

function student(rule: Rule) {
  let alive = 0;
  let passes = 0;
  const stateOf = (rows: readonly Row[]) => {
    alive++;
    return { tensors: { rows }, rows, room: 99, dispose: () => void alive-- };
  };
  type State = ReturnType<typeof stateOf>;
  const thought = ({ digit, thoughts }: Row): Float32Array => {
    const rng = new Rng(100 * digit + thoughts.length);
    const z = Float32Array.from({ length: H }, () => 0.1 * rng.normal());
    z[thoughts.length === 1 ? digit : 10] = 3;
    return z;
  };
  const own = (rows: readonly Row[]): Float32Array<ArrayBuffer> =>
    Float32Array.from(rows.flatMap((row) => [...thought(row)]));
  const host = (data: ArrayLike<number>) => ({ read: async () => data, dispose: () => undefined });
  const next = (row: Row): number => (row.said === 0 ? tokenOf(rule(row)) : END);
  const decoder = {
    shape: { batch: B, question: S, config: { vocabSize: V, hiddenSize: H } },
    async begin(ids: HostTensor) {
      passes++;
      const digits = Array.from({ length: B }, (_, b) => ids.data[b * S + S - 1] as number);
      return stateOf(digits.map((digit) => ({ digit, thoughts: [], said: 0 })));
    },
    async advance({ rows }: State, input: DecoderInput) {
      passes++;
      if (typeof input === 'object' && 'tokens' in input) {
        const isSaid = !PROMPT.includes(input.tokens[0] as number);
        return stateOf(rows.map((row) => ({ ...row, said: row.said + (isSaid ? 1 : 0) })));
      }
      // An added token encodes nothing.
      const none = () => new Float32Array(B * H);
      const fed = 'vector' in input ? input.vector : 'embedding' in input ? none() : own(rows);
      return stateOf(
        rows.map((row, b) => ({ ...row, thoughts: [...row.thoughts, fed.slice(b * H, (b + 1) * H)] })),
      );
    },
    parameterRow: async () => new Float32Array(H).fill(0.5),
    async read(key: string, _program: unknown, { rows }: State['tensors']) {
      if (key.startsWith('z ')) return { z: host(own(rows)) };
      if (key === 'next') {
        const ids = rows.map(next);
        return { id: host(Int32Array.from(ids)), logProbability: host(new Float32Array(B)) };
      }
      if (key.startsWith('stop '))
        return {
          odds: host(Float32Array.from(rows, (row) => (row.thoughts.length >= row.digit % 4 ? 2 : -2))),
        };
      if (key === 'logits') {
        const logits = new Float32Array(B * V);
        rows.forEach((row, b) => {
          logits[b * V + next(row)] = 8;
        });
        return { 0: host(logits) };
      }
      // The most probable tokens at a thought name what it encodes.
      const ids = rows.flatMap(({ thoughts }) => Array.from({ length: 5 }, () => strongest(thoughts.at(-1))));
      return {
        ids: host(Int32Array.from(ids)),
        logProbabilities: host(new Float32Array(5 * B)),
        entropy: host(new Float32Array(B)),
      };
    },
  };
  return { decoder: decoder as unknown as Decoder, alive: () => alive, passes: () => passes };
}

const tokenizer = {
  vocabSize: V,
  decode: (ids: readonly number[]) => ids.map((id) => String(id - 10)).join(' '),
  encode: (step: string) => [Number(/=(\d+)/.exec(step)?.[1])],
  tokenText: (id: number) => String(id),
} as unknown as Tokenizer;

const N = 90;

function setOf(rule: Rule, count = N): ThoughtTestOf & { alive: () => number; passes: () => number } {
  const { decoder, alive, passes } = student(rule);
  const rng = new Rng(5);
  const digits = Array.from({ length: count }, () => rng.integer(0, 9));
  return {
    ...{ decoder, alive, passes, tokenizer, reasoning, limit: 3, endIds: [END] },
    codec: { prompt: PROMPT, padId: 0 },
    problems: digits.map((digit) => ({ tokens: { question: [digit] }, answer: String(digit) })),
    label: 'student',
    model: 'made',
    ids: digits.map((_, i) => `held-out-${i}`),
    steps: digits.map((digit) => [`<<0+${digit}=${digit}>>`]),
    pause: { text: '.', embedding: new Float32Array(H) },
  };
}

const request = {
  subject: { kind: 'student' },
  source: { kind: 'held-out' },
  problems: N,
  seed: 3,
  ranks: [],
} as const;

async function verdictOn(rule: Rule) {
  const set = setOf(rule);
  const report = await thoughtTestReport(set, request);
  const comparisons = compareThoughts(report);
  const verdict = verdictOf(comparisons);
  expect(set.alive()).toBe(0);
  return { report, verdict, text: verdictSentences(report, comparisons, verdict).join(' ') };
}

describe('the report tells the truth about', () => {
  it('a student that ignores its thoughts', async () => {
    const { report, verdict, text } = await verdictOn(({ digit }) => digit);
    expect(report.straight.accuracy.share).toBe(1);
    expect(verdict).toMatchObject({ content: 'unused', without: 'none', matter: [], spare: [1, 2, 3] });
    expect(text).toContain('What the thoughts hold is not used');
    expect(text).toContain('it does not need them');
    expect(text).toContain('No single thought matters on its own.');
    expect(report.points.every(({ divergence }) => divergence.every((value) => value === 0))).toBe(true);
  });

  it('a student whose second thought is the only one that matters', async () => {
    const { report, verdict, text } = await verdictOn(({ thoughts }) => strongest(thoughts[1]));
    expect(report.straight.accuracy.share).toBe(1);
    expect(verdict).toMatchObject({ content: 'used', without: 'loss', matter: [2], spare: [1, 3] });
    expect(verdict.byReplacement).toMatchObject({ 'same-answer': 'none', permuted: 'loss' });
    expect(text).toContain(
      'Replacing thought 2 alone costs answers; replacing thoughts 1 and 3 alone costs none.',
    );
    expect(text).toContain('what is used of them is the answer');
    // With two or more thoughts, the second is among them.
    const byCount = report.points.flatMap(({ condition, accuracy }) =>
      condition.kind === 'count' ? [[condition.thoughts, accuracy.share]] : [],
    );
    for (const [thoughts, share] of byCount)
      if ((thoughts as number) >= 2) expect(share).toBe(1);
      else expect(share).toBeLessThan(0.3);
    // Its result is read from its own thoughts, and only by chance from another's, whose other thoughts are noise.
    const [results] = report.results.bySteps;
    expect(results?.found).toBe(N);
    expect(results?.foundElsewhere).toBeLessThan(N / 2);
  });

  it('a student that needs the positions but not their content', async () => {
    const { verdict, text } = await verdictOn(({ digit, thoughts }) =>
      thoughts.length === K ? digit : 9 - digit,
    );
    expect(verdict).toMatchObject({ content: 'unused', without: 'loss' });
    expect(text).toContain('what counts is the positions, not what they hold');
  });
});

it('costs passes in proportion to problems', async () => {
  const passes = async (problems: number) => {
    const set = setOf(({ thoughts }) => strongest(thoughts[1]), problems);
    await thoughtTestReport(set, { ...request, problems });
    return set.passes();
  };
  const one = await passes(40);
  expect(one).toBeGreaterThan(40);
  expect(await passes(80)).toBe(2 * one);
  expect(await passes(160)).toBe(4 * one);
});

it('tries everything but other numbers on thoughts that are refined together, and says so', async () => {
  const set = setOf(({ thoughts }) => strongest(thoughts[1]));
  // With as many iterations as thoughts, they equal those made one after another.
  const refined: Reasoning = {
    adapters: [],
    stages: [
      {
        ...{ kind: 'jacobi', parameter: 'tokens', row: 0, count: K, iterations: K },
        feedback: { kind: 'hidden' },
      },
    ],
  };
  const report = await thoughtTestReport({ ...set, reasoning: refined }, request);
  expect(report.straight.accuracy.share).toBe(1);
  expect(report.notes).toHaveLength(1);
  expect(report.points.some(({ condition }) => condition.kind === 'count')).toBe(false);
  expect(verdictOf(compareThoughts(report))).toMatchObject({
    ...{ content: 'used', without: undefined, matter: [2], spare: [1, 3] },
  });
  expect(report.results.bySteps[0]?.found).toBe(N);
  expect(set.alive()).toBe(0);
});

it('feeds the student’s own thoughts again without any difference', async () => {
  const { report } = await verdictOn(({ thoughts }) => strongest(thoughts[1]));
  const same = report.points.find(({ condition }) => condition.kind === 'one' && condition.thought === 1);
  expect(same?.changed.every((one) => one === 0)).toBe(true);
});

it('can be cancelled, and leaves nothing behind', async () => {
  const set = setOf(({ digit }) => digit);
  const abort = new AbortController();
  const report = thoughtTestReport({ ...set, signal: abort.signal }, request, {
    signal: abort.signal,
    report: ({ done }) => done > N && abort.abort(),
  });
  await expect(report).rejects.toBeInstanceOf(CancelledError);
  expect(set.alive()).toBe(0);
});

describe('students with other kinds of thoughts', () => {
  it('one that stops by itself: replaces as many as it takes, only for problems that have them', async () => {
    const set = setOf(({ digit, thoughts }) => (thoughts.length > 1 ? strongest(thoughts[1]) : digit));
    const [stage] = reasoning.stages as [Extract<Reasoning['stages'][number], { kind: 'latents' }>];
    const stops: Reasoning = {
      adapters: [],
      stages: [{ ...stage, stop: { head: { kind: 'stopHead', name: 'stop' }, min: 0 } }],
    };
    const report = await thoughtTestReport({ ...set, reasoning: stops }, request);
    const digits = set.problems.map(({ answer }) => Number(answer));
    // The double’s head ends the reasoning after digit mod 4 thoughts, at most three.
    const lengths = digits.map((digit) => digit % 4);
    expect(report.lengths).toEqual(lengths);
    expect(report.straight.accuracy.share).toBe(1);
    const at = (wanted: (condition: ThoughtCondition) => boolean) =>
      report.points.find(({ condition }) => wanted(condition));
    const second = at((one) => one.kind === 'one' && one.thought === 2);
    const having = (count: number) => lengths.flatMap((length, i) => (length >= count ? [i] : []));
    expect(second?.problems).toEqual(having(2));
    // Four digits take two or more thoughts: their mean encodes the most frequent digit.
    expect(second?.accuracy.share).toBeLessThan(0.5);
    const zero = at((one) => one.kind === 'replaced' && one.by === 'zero');
    expect(zero?.problems).toEqual(having(1));
    // Those that take one thought know the answer without it.
    zero?.problems.forEach((problem, i) => {
      if (lengths[problem] === 1) expect(zero.outcomes[i]).toBe(1);
    });
    expect(at((one) => one.kind === 'replaced' && one.by === 'permuted')?.problems).toEqual(having(2));
    // Others’ thoughts come from problems with as many; with the same answer, nothing changes.
    const same = at((one) => one.kind === 'replaced' && one.by === 'same-answer');
    expect(same?.changed.every((one) => one === 0)).toBe(true);
    const counts = report.points.flatMap(({ condition }) =>
      condition.kind === 'count' ? [condition.thoughts] : [],
    );
    expect(counts).toEqual([0, 1, 2, 3]);
    const verdict = verdictOf(compareThoughts(report));
    expect(verdict.matter).toEqual([2]);
    // Without the other thoughts nothing changes, but with so few problems that have them, a loss cannot be
    // ruled out.
    for (const thought of [1, 3]) {
      const other = at((one) => one.kind === 'one' && one.thought === thought);
      expect(other?.problems).toEqual(having(thought));
      expect(other?.changed.every((one) => one === 0)).toBe(true);
    }
    const text = verdictSentences(report, compareThoughts(report), verdict).join(' ');
    expect(text).toMatch(/^With its thoughts, \d\.\d\d on average, the student gets 100\.0 % right/);
    expect(set.alive()).toBe(0);
  });

  it('one with silent tokens: leaves out, by name, what does not apply to fixed ones', async () => {
    const set = setOf(({ digit, thoughts }) => (thoughts.length === K ? digit : 9 - digit));
    const rows = new Array<number>(K).fill(0);
    const silent: Reasoning = {
      adapters: [],
      stages: [{ kind: 'embeddings', parameter: 'tokens', rows, thoughts: true }],
    };
    const report = await thoughtTestReport({ ...set, reasoning: silent }, { ...request, ranks: [2] });
    expect(report.fixed).toBe(true);
    expect(report.points.map(({ condition }) => conditionWords(condition))).toEqual([
      ...['no thoughts', '1 thought', '2 thoughts', '4 thoughts', '5 thoughts', '6 thoughts'],
      ...['zeros', 'noise of the same norm', 'a repeated pause token'],
    ]);
    expect(report.notes.join()).toContain('they have no directions: these conditions are not applicable');
    const verdict = verdictOf(compareThoughts(report));
    expect(verdict).toMatchObject({ content: 'unused', without: 'loss' });
    const text = verdictSentences(report, compareThoughts(report), verdict).join(' ');
    expect(text).toContain('Nothing of a problem is in what is fed');
    expect(text).toContain('which tokens they are does not matter');
    expect(set.alive()).toBe(0);
  });

  it('one that writes the prompt itself: answers are what it writes, and divergence is measured after the prompt', async () => {
    const set = setOf(({ thoughts }) => strongest(thoughts[1]));
    const report = await thoughtTestReport({ ...set, reasoning: { ...reasoning, explicit: true } }, request);
    expect(report.straight.accuracy.share).toBe(1);
    expect(report.notes.join()).toContain('After its thoughts it writes the rest itself');
    expect(verdictOf(compareThoughts(report))).toMatchObject({ content: 'used', matter: [2], spare: [1, 3] });
    expect(set.alive()).toBe(0);
  });
});

it('refuses students without thoughts', async () => {
  const set = setOf(({ digit }) => digit);
  const none = { ...set, reasoning: { adapters: [], stages: [] } };
  await expect(thoughtTestReport(none, request)).rejects.toThrow('the student has no thoughts');
});
