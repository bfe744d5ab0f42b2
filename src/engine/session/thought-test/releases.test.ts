import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AS_DETECTED } from '../../../contract/data';
import type { NamedFile } from '../../../contract/lens';
import { compareThoughts, verdictOf } from '../../../contract/thought-test';
import { verdictSentences } from '../../../contract/thought-test-words';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import {
  baseFiles,
  baseSettings,
  pccotCases,
  pccotFiles,
  releaseCases,
  releaseFiles,
  roomy,
  withFullStop,
} from '../models/releases.testing';
import { LoriWorkbench } from '../workbench';

const QUESTIONS = ['abc.', 'ddebg.', 'hi.', 'kjih.', 'bbaab.', 'qrst.'];
const source = { kind: 'rows', seed: 1 } as const;
const subject = { kind: 'opened' } as const;

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

const openRows = (answerOf: (question: string) => string) =>
  workbench.openData(
    [
      {
        name: 'rows.json',
        data: new Blob([
          JSON.stringify(
            QUESTIONS.map((question) => ({ question, steps: ['<<0+1=1>>'], answer: answerOf(question) })),
          ),
        ]),
      },
    ],
    AS_DETECTED,
  );

async function openRelease(name: string): Promise<void> {
  const release = releaseCases.find((one) => one.name === name);
  const open = async (files: readonly NamedFile[]) => workbench.openCheckpoint(await withFullStop(files));
  if (release) {
    const large = roomy(release);
    await open([...(await releaseFiles(large)), ...baseSettings(large)].filter(({ data }) => data.size > 0));
    return;
  }
  const pccot = roomy(pccotCases.find((one) => one.name === name) as (typeof pccotCases)[number]);
  await open(baseFiles(pccot.base));
  await workbench.openCheckpoint(pccotFiles(pccot));
}

/**
 * Published layouts, with random weights: which conditions apply to their thoughts, and that they answer as
 * in an evaluation.
 */
describe.each([
  ['CODI GPT-2', ['count', 'replaced', 'one', 'directions']],
  ['adaptive latent reasoning', ['count', 'replaced', 'one', 'directions']],
  ['PCCoT GPT-2', ['replaced', 'one', 'directions']],
])('the thoughts of %s', (name, kinds) => {
  it('are tested for whether they matter', async () => {
    await openRelease(name);
    await openRows(() => 'a');
    const evaluated = () =>
      workbench.evaluate({
        ...{ subject, mode: 'latent', source, problems: 3, rule: 'set', together: 3 },
      });
    // Makes what it writes, if anything, the correct answer of some problems, so that there is something to lose.
    const said = new Map(
      (await evaluated()).items.map(({ question, value }, i) => [question, i < 2 && value ? value : 'no']),
    );
    await openRows((question) => said.get(question) ?? 'no');
    const { items } = await evaluated();
    const report = await workbench.testThoughts({ subject, source, problems: 3, seed: 2, ranks: [2] });
    expect(report.ids).toEqual(items.map(({ id }) => id));
    expect([...report.straight.outcomes]).toEqual(items.map(({ right }) => Number(right)));
    expect([...new Set(report.points.map(({ condition }) => condition.kind))]).toEqual(kinds);
    const zero = report.points.find(({ condition: c }) => c.kind === 'replaced' && c.by === 'zero');
    expect(zero?.divergence.every((nats) => nats > 0)).toBe(true);
    expect(report.points.every(({ divergence }) => divergence.every(Number.isFinite))).toBe(true);
    const comparisons = compareThoughts(report);
    expect(verdictSentences(report, comparisons, verdictOf(comparisons))[0]).toMatch(
      /^With its .*thoughts.* the student gets/,
    );
  }, 120_000);
});
