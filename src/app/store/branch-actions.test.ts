import { describe, expect, it, vi } from 'vitest';
import { readInterventions } from '../../contract/intervention-text';
import { engineError } from '../workbench.testing';
import { branchesFile } from './branches-file';
import { formatLink, parseLink } from './link';
import { openApp } from './open-app.testing';
import { madeThoughts, shownAnswer, shownDifference } from './thoughts';

/** An app with a question open. */
async function opened(options: Parameters<typeof openApp>[0] = {}) {
  const app = openApp(options);
  await app.actions.loadPair();
  app.actions.typeQuestion('What is 1 + 1?');
  await app.actions.openQuestion();
  const latents = () => app.state().latents;
  return { ...app, latents, calls: () => app.doubles[0]!.calls };
}
const read = readInterventions;

describe('stepping', () => {
  it('goes forward and back, to any thought, and not beyond', async () => {
    const { actions, latents, calls } = await opened();
    expect([latents().step, await actions.back(), await actions.step()]).toEqual([0, false, true]);
    expect(await actions.stepTo(3)).toBe(true);
    expect(madeThoughts(latents()).map(({ step }) => step)).toEqual([1, 2, 3]);
    expect([await actions.back(), latents().step, await actions.stepTo(6)]).toEqual([true, 2, false]);
    // What has been shown is not computed again.
    expect(calls().filter((call) => call.startsWith('thought'))).toEqual(
      [0, 1, 2, 3].map((t) => `thought 1 ${t}`),
    );
  });

  it('runs to breakpoints, then to the end and the answer', async () => {
    const { actions, latents } = await opened();
    actions.toggleBreakpoint(3);
    actions.toggleBreakpoint(1);
    expect(latents().breakpoints).toEqual([1, 3]);
    const stops = [];
    for (let i = 0; i < 3; i++) {
      await actions.runOn();
      stops.push([latents().step, shownAnswer(latents()) !== null]);
    }
    expect(stops).toEqual([
      [1, false],
      [3, false],
      [5, true],
    ]);
    actions.toggleBreakpoint(3);
    expect(latents().breakpoints).toEqual([1]);
    await actions.stepTo(0);
    await actions.stepAll();
    expect(latents().step).toBe(5);
  });
});

describe('branches', () => {
  it('are run to their end and compared with the unmodified run', async () => {
    const { actions, latents, calls } = await opened();
    await actions.stepTo(2);
    expect(await actions.intervene(read('z3:zero'))).toBe(true);
    expect(latents()).toMatchObject({ step: 5, branches: { current: 1, reference: 0 } });
    expect(shownAnswer(latents())?.value).toBe('12');
    expect(shownAnswer(latents(), 0)?.value).toBe('10');
    expect(shownDifference(latents())?.divergence[0]?.nats).toBe(0.64);
    expect(calls().at(-1)).toBe('compareAnswers  z3:zero');
    // The first two thoughts are shared.
    expect(calls().filter((call) => call.startsWith('thought 1 1'))).toHaveLength(1);
    expect(calls().filter((call) => call.startsWith('thought 1 3'))).toHaveLength(1);
  });

  it('are undone and redone together with what they show, and compared with one another', async () => {
    const { actions, latents, calls } = await opened();
    await actions.intervene(read('z1:zero'));
    await actions.intervene(read('z2:zero'), 'both');
    expect(calls().at(-1)).toBe('compareAnswers  z1:zero;z2:zero');
    await actions.undoBranch();
    await actions.undoBranch();
    expect([latents().branches.current, await actions.undoBranch()]).toEqual([0, false]);
    expect(shownAnswer(latents())).not.toBeNull();
    await actions.redoBranch();
    expect(latents().branches.current).toBe(1);
    const before = calls().length;
    await actions.redoBranch();
    expect([latents().branches.current, calls().length]).toEqual([2, before]);
    await actions.compareWith(1);
    expect(calls().at(-1)).toBe('compareAnswers z1:zero z1:zero;z2:zero');
    await actions.removeBranch(1);
    expect(latents().branches).toMatchObject({ current: 0, reference: 0, list: [{ id: 0 }] });
  });

  it('that the engine refuses are not kept', async () => {
    const { actions, latents } = await opened({
      failures: { compareAnswers: engineError('input', 'layer 9; the model has layers 1 to 4') },
    });
    expect(await actions.intervene(read('z1:zero'))).toBe(false);
    expect(latents().answer).toMatchObject({ status: 'failed' });
    const other = await opened();
    await other.actions.stepTo(4);
    const engine = other.doubles[0]!;
    vi.spyOn(engine, 'thought').mockRejectedValue(engineError('input', 'layer 9'));
    expect(await other.actions.intervene(read('z1@residual.9:zero'))).toBe(false);
    expect(other.latents()).toMatchObject({
      step: 4,
      branches: { current: 0 },
      thought: { status: 'failed' },
    });
    expect(other.latents().branches.list).toHaveLength(1);
  });

  it('are written to a file with their interventions and answers', async () => {
    const { actions, latents } = await opened();
    await actions.intervene(read('z1:zero'), 'blank');
    const file = JSON.parse(branchesFile(latents()));
    expect(file).toMatchObject({
      kind: 'lori-branches',
      latentSteps: 5,
      models: { base: 'a'.repeat(64) },
      branches: [
        { id: 0, text: '', answer: 'The answer is: 10' },
        { id: 1, parent: 0, name: 'blank', text: 'z1:zero', answer: 'The answer is: 12' },
      ],
    });
  });

  it('are reopened from their file, with their question; any other file is refused', async () => {
    const { actions, latents } = await opened();
    await actions.intervene(read('z1:zero'), 'blank');
    await actions.intervene(read('z2@residual.2:scale(0.5)'));
    const [file, tree, question] = [branchesFile(latents()), latents().branches.list, latents().question];
    actions.typeQuestion('another');
    expect(latents().branches.list).toHaveLength(1);
    expect(await actions.readBranches(file)).toBe(true);
    expect(latents()).toMatchObject({ question, missing: null, step: 0 });
    expect(latents().branches.list).toEqual(tree);
    await actions.chooseBranch(2);
    expect(latents().branches.current).toBe(2);
    const changed = JSON.parse(file);
    const other = { ...changed, models: { base: 'b'.repeat(64), student: null } };
    await actions.readBranches(JSON.stringify(other));
    expect(latents().missing).toContain('other weights than those here');
    const orphan = { ...changed, branches: [changed.branches[0], { ...changed.branches[1], parent: 7 }] };
    await expect(actions.readBranches(JSON.stringify(orphan))).rejects.toThrow('has no earlier parent');
    const blur = { ...changed, branches: [changed.branches[0], { ...changed.branches[1], text: 'z1:blur' }] };
    await expect(actions.readBranches(JSON.stringify(blur))).rejects.toThrow('"blur"');
    await expect(actions.readBranches('{}')).rejects.toThrow('contains no branches');
  });

  it('show more about their thoughts once the teacher has reasoned', async () => {
    const { actions, latents } = await opened();
    await actions.stepTo(2);
    const teacher = () => madeThoughts(latents()).at(-1)?.teacher;
    expect(teacher()).toHaveProperty('missing');
    await actions.explicit();
    await vi.waitFor(() => expect(teacher()).toHaveLength(4));
    expect(madeThoughts(latents())).toHaveLength(2);
  });
});

describe('a moment', () => {
  it('is in the address, and reopens there: question, K, feedback, branch, step, layer and answer', async () => {
    const { actions, state } = await opened();
    actions.setField('latent.temperature', 0.5);
    actions.chooseSteps(3);
    await actions.openQuestion();
    await actions.intervene(read('z2@residual.1:scale(0.5)'));
    await actions.stepTo(2);
    actions.showLayer(2);
    const hash = formatLink({ ...state().link, panel: 'latents' });
    expect(hash).toContain('&base=aaaaaaaaaaaa&feedback=softmax&tau=0.5&k=3&');
    expect(parseLink(hash).problems).toEqual([]);

    const again = openApp({ hash });
    await again.actions.start(true);
    expect(again.state().latents).toMatchObject({
      session: { value: { latentSteps: 3, temperature: 0.5 } },
      branches: { current: 1, list: [{}, { interventions: read('z2@residual.1:scale(0.5)') }] },
      ...{ step: 2, layer: 2, missing: null },
    });
    expect(shownDifference(again.state().latents)).not.toBeNull();
    expect(formatLink(again.state().link)).toBe(hash);
  });

  const LINK =
    '#/latents?question=What+is+1+%2B+1%3F&student=trained&run=eeeeeeeeeeee&of=CODI%2C+300+steps&k=2&step=1';

  it('of an opened model that is no longer open says so, and how to get it', async () => {
    const { actions, state } = openApp({ hash: LINK.replace('trained', 'opened') });
    await actions.start(true);
    expect(state().latents.missing).toMatch(
      /which is not here: no model that reasons in thoughts is open\. Open it in the Model panel/,
    );
    expect(state().latents.session.status).toBe('idle');
    expect(state().link.moment).toMatchObject({ student: 'opened', run: 'eeeeeeeeeeee' });
  });

  it('of a student that this browser lacks says what is missing, and the link stays', async () => {
    const { actions, state } = openApp({ hash: LINK });
    await actions.start(true);
    expect(state().latents).toMatchObject({ session: { status: 'idle' } });
    expect(state().latents.missing).toMatch(
      /CODI, 300 steps \(eeeeeeeeeeee…\), which is not here\. Load its run bundle in Distil.* or train it there/,
    );
    expect(state().link.moment).toMatchObject({ run: 'eeeeeeeeeeee', step: '1' });
    // Opening something else replaces the link.
    actions.chooseStudent('base');
    await actions.openQuestion();
    expect(state().latents.missing).toBeNull();
    expect(state().link.moment).toMatchObject({ student: 'base', step: '0' });
  });

  it('made with other values than those at hand says so beside what it shows', async () => {
    const { actions, state } = openApp({ hash: '#/distil' });
    await actions.start(true);
    await actions.startRun();
    actions.followLink(LINK);
    await vi.waitFor(() => expect(state().latents.step).toBe(1));
    expect(state().latents.missing).toMatch(
      /CODI, 300 steps \(eeeeeeeeeeee…\); the student here has different/,
    );
    actions.followLink('#/latents?question=held-out-2&student=base&base=bbbbbbbbbbbb&step=9&layer=40');
    await vi.waitFor(() => expect(state().latents.question.id).toBe('held-out-2'));
    await vi.waitFor(() => expect(state().latents.step).toBe(5));
    expect(state().latents.missing).toMatch(/another base.*thought 9; there are 5.*layer 40; there are 4/);
    expect(state().latents.layer).toBeNull();
  });

  it('names the parts of it that cannot be read', () => {
    const { link, problems } = parseLink('#/latents?do=z1:blur&step=99&run=xyz&tau=0&student=me');
    expect(link.moment).toEqual({});
    expect(problems).toEqual([
      'unknown student "me": expected trained, base, opened',
      'unknown run "xyz": expected the first 12 digits of a sha256',
      'unknown tau "0": expected a number above 0 and up to 100',
      'unknown do "z1:blur": expected interventions such as z2:zero',
      'unknown step "99": expected a whole number from 0 to 32',
    ]);
  });
});
