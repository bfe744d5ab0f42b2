import { describe, expect, it, vi } from 'vitest';
import { formatArena } from '../../contract/arena';
import { memoryStore } from '../../storage/store';
import { type DoubleOptions, double } from '../workbench.testing';
import { createApp } from './app-store';
import { type ArenaCost, arenaOf, planState } from './arena';
import { formatLink } from './link';
import { addressOf } from './run-place';

const store = memoryStore('test');
function open(options: DoubleOptions = {}, storage = memoryStore('test'), hash = '#/arena') {
  const engine = double({ pace: 0, ...options });
  const app = createApp({
    connect: () => engine,
    storage: Promise.resolve(storage),
    hash,
    pairUrl: 'models',
  });
  return { ...app, state: app.store.getState, engine };
}

const small = { presets: ['lori-results-128', 'nocot-128'], seeds: '1-2', heldOut: 10 };

describe('the arena', () => {
  it('begins with the tuned preset of each method, and with LoRi as its paper has it', async () => {
    const { actions, state } = open();
    await actions.loadArena();
    const { presets } = state().arena;
    expect(presets.slice(0, 2)).toEqual(['lori-results-128', 'lori-paper-128']);
    expect(presets).toContain('codi-tuned-128');
    expect(presets).toHaveLength(state().methods.length + 1);
  });

  it('runs every method on every seed, seeds outermost, and keeps every run across a reload', async () => {
    const { actions, state, engine } = open({}, store);
    actions.changeArena({ ...small, baseline: 'nocot-128' });
    expect(await actions.runArena()).toBe(true);
    const { runs } = state().arena;
    expect(runs.map(({ name, seed }) => `${name} ${seed}`)).toEqual([
      'lori-results-128 1',
      'nocot-128 1',
      'lori-results-128 2',
      'nocot-128 2',
    ]);
    for (const run of runs)
      expect(run).toMatchObject({ correct: expect.any(Number), trainable: expect.any(Number) });
    expect(engine.calls.filter((call) => call.startsWith('distil'))).toHaveLength(4);
    expect(state().saved.map(({ tags }) => tags)).toEqual([['arena'], ['arena'], ['arena'], ['arena']]);
    const again = open({}, store);
    await again.actions.loadArena();
    expect(again.state().arena).toMatchObject({
      seeds: '1-2',
      heldOut: 10,
      runs: JSON.parse(JSON.stringify(runs)),
    });
    // There is nothing left to run.
    expect(await again.actions.runArena()).toBe(true);
    expect(again.engine.calls.filter((call) => call.startsWith('distil'))).toEqual([]);
  });

  it('continues where it stopped after a cancellation', async () => {
    const { actions, state } = open({ pace: 2 });
    actions.changeArena(small);
    const running = actions.runArena();
    await expect.poll(() => state().arena.runs.length, { timeout: 20_000 }).toBeGreaterThan(0);
    actions.cancelArena();
    expect(await running).toBe(false);
    expect(state().arena.now).toBeNull();
    const before = state().arena.runs;
    expect(before.length).toBeLessThan(4);
    expect(await actions.runArena()).toBe(true);
    expect(state().arena.runs.slice(0, before.length)).toEqual(before);
    expect(state().arena.runs).toHaveLength(4);
  });

  it('counts a run that diverges as a result, and ends at any other failure', async () => {
    const { actions, state } = open({ nanAt: 1 });
    actions.changeArena({ ...small, seeds: '1' });
    expect(await actions.runArena()).toBe(true);
    expect(state().arena.runs.map(({ failed }) => typeof failed)).toEqual(['string', 'string']);
    const broken = open({
      failures: { distil: Object.assign(new Error('no room'), { code: 'memory', hint: '' }) },
    });
    broken.actions.changeArena(small);
    expect(await broken.actions.runArena()).toBe(false);
    expect(broken.state().arena.task).toMatchObject({ status: 'failed' });
    expect(broken.state().arena.runs).toEqual([]);
  });

  it('drops runs on other problems, and brings them back', async () => {
    const { actions, state } = open();
    actions.changeArena({ ...small, seeds: '1' });
    await actions.runArena();
    const { runs } = state().arena;
    actions.changeArena({ heldOut: 20 });
    expect(state().arena).toMatchObject({ runs: [], heldOut: 20 });
    actions.undoArena();
    expect(state().arena).toMatchObject({ runs, heldOut: 10 });
    // Once there are new runs, the dropped ones do not replace them.
    actions.clearArena();
    await actions.runArena();
    const made = state().arena.runs;
    expect(made.length).toBeGreaterThan(0);
    actions.undoArena();
    expect(state().arena.runs).toEqual(made);
    expect(state().arena.runs.every((run) => made.includes(run))).toBe(true);
  });

  it('keeps runs and the number of problems while another number is being typed', async () => {
    const storage = memoryStore('test');
    const { actions, state } = open({}, storage);
    actions.changeArena({ ...small, seeds: '1' });
    await actions.runArena();
    const { runs } = state().arena;
    for (const heldOut of [Number.NaN, 6000, 0, 2.5]) {
      actions.changeArena({ heldOut });
      actions.changeArena({ baseline: 'nocot-128' });
      expect(state().arena).toMatchObject({ runs, heldOut });
      const again = open({}, storage);
      await again.actions.loadArena();
      expect(again.state().arena).toMatchObject({ heldOut: 10, baseline: 'nocot-128' });
      expect(again.state().arena.runs).toHaveLength(runs.length);
      expect(again.state().notices).toEqual([]);
    }
    // The number of before is no change; another one is, and can be undone.
    actions.changeArena({ heldOut: 10 });
    expect(state().arena.runs).toEqual(runs);
    actions.changeArena({ heldOut: Number.NaN });
    actions.changeArena({ heldOut: 20 });
    expect(state().arena).toMatchObject({ runs: [], heldOut: 20 });
    actions.undoArena();
    expect(state().arena).toMatchObject({ runs, heldOut: 10 });
  });

  it('takes no contender on another base, data or rule, and says by which setting it differs', () => {
    const { actions, state } = open();
    actions.changeArena(small);
    const before = planState(state().arena);
    actions.setField('roles.student', 'opened');
    actions.addDraftToArena();
    expect(planState(state().arena)).toEqual(before);
    expect(state().notices.at(-1)?.text).toMatch(/roles\.student .*trained on an opened model; the first/);
    // The other way round: a preset beside contenders on an opened model.
    actions.changeArena({ presets: [] });
    actions.addDraftToArena();
    expect(state().arena.others).toHaveLength(1);
    actions.changeArena({ presets: ['nocot-128'] });
    expect(state().arena.presets).toEqual([]);
    // What makes no difference to which problems are answered is free.
    for (const [path, value] of [
      ['data.samples', 8],
      ['data.split', 5],
    ] as const)
      actions.setField(path, value);
    actions.addDraftToArena();
    expect(state().arena.others).toHaveLength(2);
  });

  it('is filled in with an ablation, shows its cost, runs to its chart, and can be undone', async () => {
    const storage = memoryStore('test');
    const { actions, state, engine } = open({}, storage);
    await actions.start(true);
    actions.changeArena({ ...small, seeds: '7' });
    await actions.runArena();
    const before = planState(state().arena);
    actions.fillArena('lori-anchor');
    expect(state().arena).toMatchObject({ presets: [], seeds: '1-5', runs: [] });
    expect(state().arena.others.map(({ name }) => name)).toEqual(['without', 'HOSVD', 'HOOI']);
    expect(state().arena.axis).toMatchObject({ ablation: 'lori-anchor', measure: 'accuracy' });
    actions.changeArena({ seeds: '1-2' });
    await actions.estimateArena();
    const cost = state().arena.cost as ArenaCost;
    expect(cost).toMatchObject({ runs: 6, measured: 0, refused: null });
    expect(engine.calls.filter((call) => call === 'runCost')).toHaveLength(3);
    actions.undoArena();
    actions.undoArena();
    expect(planState(state().arena)).toEqual(before);
    actions.fillArena('lori-anchor');
    actions.changeArena({ seeds: '1-2' });
    expect(await actions.runArena()).toBe(true);
    expect(state().arena.runs).toHaveLength(6);
    for (const run of state().arena.runs) expect(run.answerMilliseconds).toBe(15);
    const again = open({}, storage);
    await again.actions.loadArena();
    expect(again.state().arena.axis).toEqual(state().arena.axis);
    expect(again.state().arena.others.map(({ name }) => name)).toEqual(['without', 'HOSVD', 'HOOI']);
    // Half of the runs are left: the finished ones tell how long they take.
    actions.changeArena({ seeds: '1-4' });
    await actions.estimateArena();
    expect(state().arena.cost).toMatchObject({ runs: 6, measured: 6 });
    // Their rows say what evaluations took: the engine is not asked again.
    expect(engine.calls.filter((call) => call === 'runCost')).toHaveLength(3);
  });

  it('runs an ablation with one press where no result would be lost, and it can be cancelled and undone', async () => {
    const { actions, state, engine } = open({ pace: 2 });
    await actions.start(true);
    actions.changeArena({ ...small, seeds: '7' });
    const before = planState(state().arena);
    expect(await actions.ablationCost('lori-anchor')).toMatchObject({ runs: 15, measured: 0, refused: null });
    expect(planState(state().arena)).toEqual(before);
    const running = actions.runAblation('lori-anchor');
    await expect.poll(() => state().arena.now, { timeout: 20_000 }).toEqual({ name: 'without', seed: 1 });
    actions.cancelArena();
    expect(await running).toBe(false);
    expect(state().arena.runs).toEqual([]);
    actions.undoArena();
    expect(planState(state().arena)).toEqual(before);
    // With results it is filled in, but not started, until they are given up.
    expect(await actions.runArena()).toBe(true);
    const { runs } = state().arena;
    const calls = () => engine.calls.filter((call) => call.startsWith('distil')).length;
    const made = calls();
    expect(await actions.runAblation('lori-anchor')).toBe(false);
    expect(state().arena.runs).toEqual(runs);
    expect(calls()).toBe(made);
  });

  it('says that results that could not be kept are still there', async () => {
    const storage = memoryStore('test');
    const { actions, state } = open(
      {},
      {
        ...storage,
        saveArena: () => Promise.reject(Object.assign(new Error('no answer'), { hint: 'Wait.' })),
      },
    );
    actions.changeArena({ ...small, seeds: '1' });
    expect(await actions.runArena()).toBe(true);
    expect(state().arena.runs).toHaveLength(2);
    const said = state().notices.filter(({ text }) => text.startsWith('The arena could not be kept'));
    // Once, however often it fails.
    expect(said).toHaveLength(1);
    expect(said[0]?.text).toContain('Its results are still in this page');
  });

  it('refuses a file that is not an arena, and says where it is wrong', () => {
    const { actions } = open();
    expect(() => actions.readArena('{"arena":1,"contenders":[],"seeds":["x"],"baseline":""}')).toThrow(
      'seeds.0',
    );
    expect(() => actions.readArena('nonsense')).toThrow();
  });
});

describe('undo in the arena', () => {
  const plan = (state: () => ReturnType<ReturnType<typeof open>['state']>) => planState(state().arena);

  it('takes back every change of the form, one typed into as one step, and makes it again', async () => {
    const { actions, state } = open();
    await actions.loadArena();
    expect(state().arena.past).toEqual([]);
    const first = plan(state);
    for (const seeds of ['2', '2-', '2-3']) actions.changeArena({ seeds });
    actions.changeArena({ presets: small.presets });
    actions.changeArena({ baseline: 'nocot-128' });
    actions.addDraftToArena();
    actions.fillArena('lori-anchor');
    const last = plan(state);
    expect(state().arena.past).toHaveLength(5);
    for (let i = 0; i < 9; i++) actions.undoArena();
    expect(plan(state)).toEqual(first);
    for (let i = 0; i < 9; i++) actions.redoArena();
    expect(plan(state)).toEqual(last);
    actions.undoArena();
    actions.changeArena({ seeds: '7' });
    expect(state().arena.future).toEqual([]);
  });

  it('brings back the results of a contender that was removed, and keeps what was measured since', async () => {
    const { actions, state } = open();
    actions.changeArena({ ...small, seeds: '1' });
    await actions.runArena();
    actions.removeFromArena('nocot-128');
    expect(state().arena.runs.map(({ name }) => name)).toEqual(['lori-results-128']);
    actions.changeArena({ seeds: '1-2' });
    await actions.runArena();
    actions.undoArena();
    actions.undoArena();
    expect(state().arena.runs.map(({ name, seed }) => `${name} ${seed}`)).toEqual([
      ...['lori-results-128 1', 'nocot-128 1', 'lori-results-128 2'],
    ]);
    expect(state().notices).toEqual([]);
  });

  it('ends where it would lose a result, and says so', async () => {
    const { actions, state } = open();
    actions.changeArena({ presets: [], seeds: '1' });
    actions.addDraftToArena();
    await actions.runArena();
    const before = plan(state);
    expect(before.runs).toHaveLength(1);
    actions.undoArena();
    expect(plan(state)).toEqual(before);
    expect(state().notices.at(-1)?.text).toMatch(/^Undo ends here: 1 result was measured since/);
  });

  it('takes back a file that was opened, with its results, which the file has', async () => {
    const { actions, state } = open();
    actions.changeArena({ ...small, seeds: '1' });
    await actions.runArena();
    const before = plan(state);
    const made = { name: 'nocot-128', seed: 1, correct: 20, total: 30 };
    const file = { ...before, heldOut: 30, runs: [made, { ...made, seed: 2 }] };
    actions.readArena(formatArena(arenaOf(file, state().presets)));
    expect(state().arena.runs).toEqual(file.runs);
    actions.undoArena();
    expect(plan(state)).toEqual(before);
    actions.redoArena();
    expect(state().arena).toMatchObject({ heldOut: 30, runs: file.runs });
  });

  it('waits for the arena to end', async () => {
    const { actions, state } = open({ pace: 2 });
    actions.changeArena(small);
    actions.changeArena({ seeds: '5' });
    const running = actions.runArena();
    await expect.poll(() => state().arena.now, { timeout: 20_000 }).not.toBeNull();
    actions.undoArena();
    expect(state().arena.seeds).toBe('5');
    actions.cancelArena();
    await running;
    actions.undoArena();
    expect(state().arena.seeds).toBe('1-2');
  });
});

describe('a link to an arena', () => {
  const address = (state: () => ReturnType<ReturnType<typeof open>['state']>) =>
    formatLink(addressOf(state()));
  const hash =
    '#/arena?contenders=lori-results-128,nocot-128&arena-seeds=1-2&arena-problems=10&baseline=nocot-128';

  it('fills the form in, starts nothing, and is what the address then says', async () => {
    const { actions, state, engine } = open({}, memoryStore('test'), hash);
    await actions.start(false);
    expect(state().arena).toMatchObject({ ...small, baseline: 'nocot-128', runs: [] });
    expect(engine.calls).toEqual([]);
    expect(state().linkProblems).toEqual([]);
    expect(address(state)).toBe(hash);
    actions.undoArena();
    expect(address(state)).toBe('#/arena');
    expect(state().arena.presets.length).toBeGreaterThan(10);
    actions.followLink('#/arena?ablation=lori-anchor&arena-seeds=1-2');
    expect(state().arena.others.map(({ name }) => name)).toEqual(['without', 'HOSVD', 'HOOI']);
    expect(address(state)).toBe('#/arena?ablation=lori-anchor&arena-seeds=1-2');
    // A link to another place leaves it, and one to this without a word on it too.
    actions.followLink('#/data');
    actions.followLink('#/arena');
    expect(address(state)).toBe('#/arena?ablation=lori-anchor&arena-seeds=1-2');
  });

  it('leaves what this browser keeps until something is changed, and Undo brings its results back', async () => {
    const storage = memoryStore('test');
    const mine = open({}, storage);
    mine.actions.changeArena({ ...small, seeds: '1', heldOut: 20, baseline: 'nocot-128' });
    await mine.actions.runArena();
    const before = planState(mine.state().arena);
    const { actions, state } = open({}, storage, hash);
    await actions.start(false);
    expect(state().arena).toMatchObject({ heldOut: 10, runs: [] });
    expect(state().notices.at(-1)?.text).toMatch(
      /^The arena of the link took the place of 2 results: Undo brings them back\./,
    );
    const again = open({}, storage);
    await again.actions.loadArena();
    expect(planState(again.state().arena)).toEqual(JSON.parse(JSON.stringify(before)));
    actions.undoArena();
    expect(planState(state().arena)).toEqual(JSON.parse(JSON.stringify(before)));
  });

  it('changes nothing where the form already stands for it, whatever it does not carry', async () => {
    const storage = memoryStore('test');
    const mine = open({}, storage);
    mine.actions.changeArena({ ...small, baseline: 'nocot-128' });
    mine.actions.addDraftToArena();
    await vi.waitFor(async () => expect(await storage.loadArena()).toContain('"lori"'));
    const { actions, state } = open({}, storage, hash);
    await actions.start(false);
    expect(state().arena).toMatchObject({ others: { length: 1 }, past: [] });
  });

  it('is not followed while the arena runs', async () => {
    const { actions, state } = open({ pace: 2 });
    actions.changeArena(small);
    const running = actions.runArena();
    await expect.poll(() => state().arena.now, { timeout: 20_000 }).not.toBeNull();
    actions.followLink('#/arena?arena-seeds=9');
    expect(state().arena.seeds).toBe('1-2');
    expect(state().notices.at(-1)?.text).toMatch(/^The arena is running: the link was not followed\./);
    actions.cancelArena();
    await running;
  });
});
