import { describe, expect, it } from 'vitest';
import type { ArenaRun } from '../../contract/arena';
import { parseRunConfig } from '../../contract/config';
import { PRESETS } from '../../contract/presets';
import { type ArenaPlanState, initialArena, planState } from './arena';
import { heldIn, stepArenaBack, stepArenaForward } from './arena-history';
import { noHistory, remember } from './history';

const config = parseRunConfig({});
const run = (name: string, seed = 1, over: Partial<ArenaRun> = {}): ArenaRun => ({
  ...{ name, seed, correct: 1, total: 2 },
  ...over,
});
const plan = (over: Partial<ArenaPlanState> = {}): ArenaPlanState => ({
  ...planState(initialArena),
  presets: ['ce-128'],
  ...over,
});
/** The step back from one plan to another, with all results measured since, or none. */
const back = (before: ArenaPlanState, now: ArenaPlanState, isMeasured = true) =>
  stepArenaBack(now, remember(noHistory, before, null), PRESETS, () => isMeasured);

describe('results when the form of the arena is taken back', () => {
  it('stay where their contender does, also one that does not take part at the moment', () => {
    const [old, more] = [run('ce-128'), run('ce-128', 2)];
    const before = plan({ presets: [], runs: [old] });
    expect(back(before, plan({ runs: [old, more] }))).toMatchObject({
      plan: { ...before, runs: [old, more] },
    });
  });

  it('come back where a change dropped them, but for those measured anew', () => {
    const [first, second, anew] = [run('ce-128'), run('ce-128', 2), run('ce-128', 2, { correct: 2 })];
    const before = plan({ runs: [first, second] });
    expect(back(before, plan({ runs: [] }))).toMatchObject({ plan: before });
    expect(back(before, plan({ runs: [anew] }))).toMatchObject({ plan: { runs: [first, anew] } });
  });

  it.each<readonly [string, Partial<ArenaPlanState>, ArenaRun]>([
    ['another number of problems', { heldOut: 30 }, run('ce-128')],
    ['a contender that was not there', { others: [{ name: 'mine', config }] }, run('mine')],
    ['a kept student that was not there', { kept: [{ name: 'old', run: 'r', seed: 4 }] }, run('old', 4)],
  ])('are not lost: it ends at %s', (_, change, result) => {
    const now = plan({ ...change, runs: [result] });
    expect(back(plan(), now)).toMatch(/^Undo ends here: 1 result was measured since, of contenders or on/);
    // What a file brought is in the file.
    expect(back(plan(), now, false)).toMatchObject({ plan: { runs: [] } });
  });

  it('are told from those of another contender of the same name', () => {
    const now = plan({ others: [{ name: 'mine', config }], runs: [run('mine')] });
    const other = plan({ others: [{ name: 'mine', config: { ...config, method: 'lori', seed: 3 } }] });
    expect(heldIn(now, other, PRESETS)).toEqual(now.runs);
    const differs = { ...config, optimiser: { ...config.optimiser, steps: 3 } };
    expect(heldIn(now, plan({ others: [{ name: 'mine', config: differs }] }), PRESETS)).toEqual([]);
  });

  it.each<readonly [string, Partial<ArenaRun>, Partial<ArenaRun>]>([
    ['other weights of base', { models: { base: 'a' } }, { models: { base: 'b' } }],
    ['matrices in', { storage: 'half' }, { storage: 'f32' }],
    ['held-out problems are not those of', { problems: 'p' }, { problems: 'q' }],
  ])('do not come back beside those that they cannot be compared with: %s', (why, before, since) => {
    const now = plan({ runs: [run('ce-128', 2, since)] });
    const said = back(plan({ runs: [run('ce-128', 1, before)] }), now);
    expect(said).toMatch(/^Undo ends here: the results that it would bring back cannot stand beside those/);
    expect(said).toContain(why);
  });

  it('go with the form when it is made again', () => {
    const before = plan({ runs: [run('ce-128')] });
    const now = plan({ heldOut: 30 });
    const step = back(before, now);
    if (step === null || typeof step === 'string') throw new Error('it was not taken back');
    expect(stepArenaForward(step.plan, step.history)).toMatchObject({ plan: now });
    expect([back(before, before), stepArenaForward(before, noHistory)]).toEqual([expect.anything(), null]);
  });
});
