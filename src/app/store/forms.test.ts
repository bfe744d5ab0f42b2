import { describe, expect, it } from 'vitest';
import { initialAttention, shownAttention } from './attention-draft';
import { type Drafts, type FormName, followFormsLink, formsLink, readFormsLink } from './forms';
import { parseLink } from './link';
import { openApp } from './open-app.testing';
import { hashOf } from './run-place';
import { initialTrajectories, shownPoints } from './trajectories-draft';

const FORM_NAMES = Object.keys(openApp().state().forms) as FormName[];

const CHANGES: { readonly [Name in FormName]: Partial<Drafts[Name]> } = {
  causal: {
    ...{
      subject: 'student-2',
      problems: 30,
      layers: '1-3, 6',
      ranks: '1, 8',
      positions: 'all',
      centre: true,
    },
    ...{ samples: 64, of: 'thoughts', seed: 9, random: false },
  },
  trajectories: { layer: '3', sample: 'train-7', colouring: 'token', plane: '3-D', paths: 'off' },
  evaluation: {
    ...{ subject: 'base', mode: 'direct', thoughts: '0-3, 6', source: 'rows', seed: 4, problems: 12 },
    ...{ together: 8, rule: 'text' },
  },
  thoughtTest: { subject: 'opened', source: 'rows', problems: 50, seed: 3, ranks: '2, 4' },
  stopping: { subject: 'student-1', source: 'rows', seed: 2, problems: 20 },
  attention: { layer: 2, head: 3, withoutFirst: false },
  intervene: {
    ...{ of: 'question', step: 4, site: 'mlp.out', layer: 2, kind: 'interpolate', vector: 'difference' },
    ...{ seed: 5, factor: -1.5, share: 0.25, rank: 3, problems: 8, centre: false, keep: 'outside' },
    ...{
      token: ' 12',
      minus: ';&=',
      thought: 2,
      question: 'held-out-4',
      index: 2,
      values: '1, 2',
      order: '2 1',
    },
    text: 'z2:zero',
  },
  memory: { sequences: 8, tokens: 512, layers: 6 },
};

const PLACES: Readonly<Record<FormName, string>> = {
  ...{
    causal: 'lowrank',
    trajectories: 'lowrank',
    memory: 'model',
    evaluation: 'latents',
    stopping: 'latents',
  },
  ...{ thoughtTest: 'latents', attention: 'latents', intervene: 'latents' },
};

/** A page at a place, with a form changed. */
function changed(name: FormName) {
  const app = openApp({ hash: `#/${PLACES[name]}` });
  app.actions.changeForm(name, CHANGES[name] as never);
  return app;
}

it('knows all forms', () => expect(Object.keys(CHANGES)).toEqual(FORM_NAMES));

describe.each(FORM_NAMES)('the settings of the form “%s”', (name) => {
  it('stand in the link of its place, every one of them, and come back from it', () => {
    const app = changed(name);
    expect(Object.keys(CHANGES[name])).toEqual(
      expect.arrayContaining(Object.keys(openApp().state().forms[name].draft)),
    );
    const hash = hashOf(app.state());
    expect(parseLink(hash).problems).toEqual([]);
    expect(openApp({ hash }).state().forms[name].draft).toEqual(CHANGES[name]);
    app.actions.goTo('arena');
    expect(hashOf(app.state())).toBe('#/arena');
  });

  it('are left out of the link where they are the defaults', () => {
    expect(hashOf(openApp({ hash: `#/${PLACES[name]}` }).state())).toBe(`#/${PLACES[name]}`);
  });

  it('are undone and redone', () => {
    const app = changed(name);
    const draft = () => app.state().forms[name].draft;
    app.actions.undoForm(name);
    expect(draft()).toEqual(openApp().state().forms[name].draft);
    expect(hashOf(app.state())).toBe(`#/${PLACES[name]}`);
    app.actions.redoForm(name);
    expect(draft()).toEqual(CHANGES[name]);
    app.actions.redoForm(name);
    expect(draft()).toEqual(CHANGES[name]);
  });

  it('are those of a link that is followed, which no undo takes back', () => {
    const app = openApp({ hash: `#/${PLACES[name]}` });
    app.actions.followLink(hashOf(changed(name).state()));
    expect(app.state().forms[name]).toEqual({ draft: CHANGES[name], past: [], future: [], touched: null });
    // What a link omits takes its default; other places keep theirs.
    app.actions.followLink('#/arena');
    expect(app.state().forms[name].draft).toEqual(CHANGES[name]);
    app.actions.followLink(`#/${PLACES[name]}`);
    expect(app.state().forms[name].draft).toEqual(openApp().state().forms[name].draft);
  });
});

describe('a link to forms', () => {
  const read = (query: string) => readFormsLink(new URLSearchParams(query));
  it.each([
    ['causal-problems=0', 'unknown causal-problems "0": expected a whole number from 1 to 1000'],
    ['causal-ranks=1,x', 'unknown causal-ranks "1,x": expected whole numbers, separated by commas'],
    ['causal-layers=3-1', 'unknown causal-layers "3-1": expected “all”, or numbers and ranges such as 1-3,6'],
    ['points-colour=red', 'unknown points-colour "red": expected step, layer, token, section'],
    ['points-layer=0', 'unknown points-layer "0": expected a layer’s number, all or last'],
    [
      'eval-thoughts=0-99',
      'unknown eval-thoughts "0-99": expected numbers and ranges from 0 to 32, such as 0-3,6',
    ],
    ['eval-subject=me', /^unknown eval-subject "me": expected teacher, base, student,/],
    ['thoughts-problems=1', 'unknown thoughts-problems "1": expected a whole number from 2 to 1000'],
    ['stop-source=web', 'unknown stop-source "web": expected held-out, rows'],
    ['attention-head=0', 'unknown attention-head "0": expected a whole number from 1 to 4096'],
    ['try-factor=2e6', 'unknown try-factor "2e6": expected a number from -1000000 to 1000000'],
    ['try-site=heart', /^unknown try-site "heart": expected latent, attention\.in,/],
    ['memory-batch=1.5', 'unknown memory-batch "1.5": expected a whole number from 1 to 1000000'],
  ])('names %s as unusable, and follows the rest', (query, problem) => {
    const { forms, problems } = read(`${query}&eval-together=8`);
    expect(problems).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
    expect(forms).toEqual({ 'eval-together': '8' });
    expect(followFormsLink(forms).evaluation.draft.together).toBe(8);
  });

  it('carries neither half-typed values nor texts that are too long for an address', () => {
    const { actions, state } = openApp({ hash: '#/latents' });
    actions.changeForm('evaluation', { thoughts: '0-', problems: Number.NaN, together: 2 });
    actions.changeForm('intervene', { values: '1 '.repeat(300) });
    expect(formsLink(state().forms, 'latents')).toEqual({ 'eval-together': '2' });
  });
});

describe('the forms', () => {
  it('take continued typing in one field for one step, and every choice for one of its own', () => {
    const { actions, state } = openApp();
    for (const problems of [3, 30, 300]) actions.changeForm('stopping', { problems });
    for (const subject of ['base', 'teacher'] as const) actions.changeForm('stopping', { subject });
    expect(state().forms.stopping.past.map(({ subject, problems }) => [subject, problems])).toEqual([
      ...[
        ['student', 200],
        ['student', 300],
        ['base', 300],
      ],
    ]);
  });

  it('say what a report or a model lacks of what they name', () => {
    const points = { ...initialTrajectories, layer: '9', sample: 'train-1' };
    expect(shownPoints(points, [1, 2], ['a'])).toEqual({
      ...{ layer: null, sample: -1, paths: true },
      missing: [
        'Layer 9 is not in the report: all layers are shown.',
        'train-1 is not among its samples: all samples are shown.',
      ],
    });
    expect(shownPoints(initialTrajectories, [1, 2], ['a', 'b', 'c', 'd', 'e'])).toEqual({
      ...{ layer: 2, sample: -1, paths: false, missing: [] },
    });
    const attention = shownAttention({ ...initialAttention, layer: 9, head: 2 }, { layers: 6, heads: 4 });
    expect(attention.shown).toEqual({ layer: null, head: 2, withoutFirst: true });
    expect(attention.missing).toEqual(['There is no layer 9; the model has 6: their mean is shown.']);
  });
});
