import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { AS_DETECTED } from '../../../contract/data';
import type { Evaluation } from '../../../contract/evaluation';
import { readInterventions } from '../../../contract/intervention-text';
import { type Intervention, momentOf, permutation } from '../../../contract/latents';
import { ALPHA, discordant, holm, mcnemar } from '../../../contract/paired';
import {
  compareThoughts,
  type ThoughtCondition,
  type ThoughtTestReport,
  verdictOf,
} from '../../../contract/thought-test';
import { verdictSentences } from '../../../contract/thought-test-words';
import { SMALLEST, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { tinyRunBy } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';

/**
 * Students trained here, with every kind of thought. The report is checked in two other ways: other numbers
 * of thoughts by the evaluation, and replaced thoughts by the stepper, one problem at a time.
 */

const PROBLEMS = 80;
const request = {
  subject: { kind: 'student' },
  source: { kind: 'rows', seed: 1 },
  problems: PROBLEMS,
} as const;
const asked = { ...request, mode: 'latent', rule: 'set', together: 40 } as const;

/** float32, in a batch and alone, by two separate readouts: measured at most 2e-6 nats. */
const DIGITS = 4;

const METHODS: readonly (readonly [method: string, settings: object, conditions: readonly string[]])[] = [
  [
    'coconut',
    { curriculum: { stages: 1, stageSteps: 2, latentsPerStep: 2 } },
    ['count 0', 'count 1', 'count 3', 'count 4', ...replaced(), 'one 1', 'one 2', ...directions()],
  ],
  ['dart', { silent: { count: 2 } }, ['count 0', 'count 1', 'count 3', 'count 4', 'zero', 'noise', 'pause']],
  [
    'adaptive',
    { latents: { factor: 1, bias: 0, min: 0, max: 3 } },
    ['count 0', 'count 1', 'count 2', 'count 3', ...replaced(), 'one 1', 'one 2', 'one 3', ...directions()],
  ],
];

function replaced(): string[] {
  return ['zero', 'mean', 'noise', 'permuted', 'same-answer', 'other-answer', 'pause'];
}
function directions(): string[] {
  return ['leading 1', 'random 1', 'equal-energy 1'];
}

const nameOf = (condition: ThoughtCondition): string => {
  if (condition.kind === 'replaced') return condition.by;
  if (condition.kind === 'directions') return `${condition.of} ${condition.rank}`;
  if (condition.kind === 'straight') return condition.kind;
  return `${condition.kind} ${condition.kind === 'count' ? condition.thoughts : condition.thought}`;
};

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair(SMALLEST)));
  await workbench.open('wasm');
  await workbench.loadPair('models');
}, 60_000);
afterAll(() => workbench.close());

const openRows = (questions: readonly string[], answerOf: (question: string) => string) =>
  workbench.openData(
    [
      {
        name: 'rows.json',
        data: new Blob([
          JSON.stringify(questions.map((question) => ({ question, answer: answerOf(question) }))),
        ]),
      },
    ],
    AS_DETECTED,
  );

describe.each(METHODS)('the thoughts of a student of %s', (method, settings, conditions) => {
  let straight: Evaluation;
  let report: ThoughtTestReport;
  const at = (name: string) => {
    const found = report.points.find(({ condition }) => nameOf(condition) === name);
    if (!found) throw new Error(`there is no condition ${name}`);
    return found;
  };

  beforeAll(async () => {
    const run = tinyRunBy(method, { data: { validation: 0, heldOut: 1 }, optimiser: { steps: 3 } });
    await workbench.distil(parseRunConfig({ ...run, ...settings }));
    const questions = (await workbench.problems('held-out', 0, PROBLEMS)).map(({ question }) => question);
    await openRows(questions, () => '0');
    // Makes what it writes the correct answer, so that there is something to lose.
    const { items } = await workbench.evaluate(asked);
    const said = new Map(items.map(({ question, value }) => [question, value]));
    await openRows(questions, (question) => said.get(question) ?? '0');
    straight = await workbench.evaluate(asked);
    report = await workbench.testThoughts({ ...request, seed: 2, ranks: [1] });
  }, 120_000);

  it('are tested under every condition that applies, and unchanged they answer as in an evaluation', () => {
    const { points, ids, lengths } = report;
    expect(points.map(({ condition }) => nameOf(condition))).toEqual(conditions);
    expect(ids).toEqual(straight.items.map(({ id }) => id));
    expect([...report.straight.outcomes]).toEqual(straight.items.map(({ right }) => Number(right)));
    expect(report.straight.accuracy.correct).toBeGreaterThan(PROBLEMS / 4);
    const taken = straight.items.map(({ thoughts }) => thoughts);
    if (method === 'adaptive') {
      expect(new Set(taken).size).toBeGreaterThan(2);
      expect(lengths).toEqual(taken);
      expect(at('zero').problems).toEqual(taken.flatMap((count, i) => (count > 0 ? [i] : [])));
    } else expect(new Set(taken)).toEqual(new Set([report.thoughts]));
  });

  it('in other numbers answer as in evaluations with that many', async () => {
    for (const { condition, outcomes, changed } of report.points) {
      if (condition.kind !== 'count') continue;
      const { items } = await workbench.evaluate({ ...asked, thoughts: condition.thoughts });
      expect([...outcomes]).toEqual(items.map(({ right }) => Number(right)));
      const differs = items.map(({ value }, i) => Number(value !== straight.items[i]?.value));
      expect([...changed]).toEqual(differs);
    }
  });

  it('replaced are answered as after the same interventions, one problem at a time', async () => {
    const fed: Float32Array[][] = [];
    for (const { question } of straight.items) fed.push(await thoughtsOn(question));
    if (report.lengths) expect(fed.map((own) => own.length)).toEqual(report.lengths);
    // Each thought's mean over the problems that have it.
    const meanOf = (t: number): number[] => {
      const own = fed.flatMap((all) => (all[t - 1] ? [all[t - 1] as Float32Array] : []));
      return Array.from(
        own[0] as Float32Array,
        (_, i) => own.reduce((sum, z) => sum + (z[i] as number), 0) / own.length,
      );
    };
    const every = (K: number, operation: string): Intervention[] =>
      readInterventions(Array.from({ length: K }, (_, t) => `z${t + 1}:${operation}`).join(';'));
    const ways: Readonly<Record<string, (K: number) => Intervention[]>> = {
      zero: (K) => every(K, 'zero'),
      pause: (K) => every(K, `replace(token(${JSON.stringify(report.pause)}))`),
      // Two thoughts have only one other order.
      permuted: (K) => (K === 2 ? permutation([2, 1]) : []),
      'one 1': () => readInterventions(`z1:replace(values(${meanOf(1)}))`),
    };
    let compared = 0;
    for (const [i, { question }] of straight.items.slice(0, 4).entries()) {
      const { session, latentSteps: K } = await workbench.openQuestion({ question, student: 'trained' });
      for (const [name, way] of Object.entries(ways)) {
        const place = conditions.includes(name) ? at(name).problems.indexOf(i) : -1;
        const interventions = way(K);
        if (place < 0 || interventions.length === 0) continue;
        const { before, after, divergence } = await workbench.compareAnswers({
          before: momentOf(session, K),
          after: momentOf(session, K, interventions),
        });
        const { changed, divergence: nats } = at(name);
        expect(changed[place], `${name}, ${question}`).toBe(Number(after.value !== before.value));
        // For one that writes the prompt itself, the report has the distribution after it, and the stepper
        // what it writes.
        if (method !== 'coconut')
          expect(nats[place], `${name}, ${question}`).toBeCloseTo(divergence[0]?.nats as number, DIGITS);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(6);
  }, 60_000);

  it('are judged by losses and gains, problem by problem, corrected for all comparisons', () => {
    const comparisons = compareThoughts(report);
    const pairs = report.points.map(({ problems, outcomes }) =>
      discordant(
        outcomes,
        problems.map((i) => Number(straight.items[i]?.right)),
      ),
    );
    const p = holm(pairs.map(mcnemar));
    comparisons.forEach((one, i) => {
      const { gained, lost, problems } = pairs[i] as (typeof pairs)[number];
      expect(one.p).toBe(p[i]);
      expect(one.difference).toBeCloseTo((gained - lost) / problems, 12);
      expect(one.finding === 'loss').toBe((p[i] as number) < ALPHA && lost > gained);
    });
    const verdict = verdictOf(comparisons);
    const text = verdictSentences(report, comparisons, verdict).join(' ');
    expect(text).toContain(`(${straight.items.filter(({ right }) => right).length} of ${PROBLEMS})`);
    expect(verdict.byReplacement.noise).toBe('loss');
    expect(text).toContain(report.fixed ? 'which is the same for every problem' : 'noise of the same norm');
  });
});

/** The vectors that are fed as thoughts on a question, by the stepper. */
async function thoughtsOn(question: string): Promise<Float32Array[]> {
  const { session, latentSteps: K } = await workbench.openQuestion({ question, student: 'trained' });
  const fed: Float32Array[] = [];
  for (let t = 1; t <= K; t++)
    fed.push((await workbench.thought(momentOf(session, t))).fed?.values as Float32Array);
  return fed;
}
