import { describe, expect, it } from 'vitest';
import { FIGURE_6 } from '../../contract/lens';
import { readLayers, writeLayers } from './layers';
import { editLens, initialLens, type LensState } from './lens';
import { changeDraft, draftErrors, initialDraft, type LensDraft, requestOf } from './lens-draft';
import { followLensLink, lensLink, readLensLink } from './lens-link';

const bounds = { layers: 6, hidden: 96, overlayHidden: 96 };
const draft = (change: Partial<LensDraft>) => changeDraft(initialDraft(), change);

describe('layers', () => {
  it.each([
    ['all', null],
    ['', null],
    ['1-3', [1, 2, 3]],
    [' 6, 1-2 2 ', [1, 2, 6]],
  ])('reads %j', (text, layers) => {
    expect(readLayers(text, 6)).toEqual({ layers, error: null });
  });

  it.each([
    ['0', /counted from 1/],
    ['3-1', /backwards.*1-3/],
    ['7', /no layer 7.*has 6/],
    ['1-2-3', /“1-2-3” is not a layer/],
    ['-1', /“-1” is not a layer/],
  ])('says what is wrong with %j', (text, error) => {
    expect(readLayers(text, 6).error).toMatch(error);
  });

  it('reads layer 0 where it can be chosen, and never takes it for one of all', () => {
    expect(readLayers('0', 6, 0)).toEqual({ layers: [0], error: null });
    expect(readLayers('0-2, 6', 6, 0).layers).toEqual([0, 1, 2, 6]);
    expect(readLayers('all', 6, 0).layers).toBeNull();
    expect(readLayers('0-7', 6, 0).error).toMatch(/no layer 7/);
  });

  it('writes layers in their shortest notation', () => {
    for (const text of ['all', '1-3, 5', '2', '1-2, 4-6'])
      expect(writeLayers(readLayers(text, null).layers)).toBe(text);
  });
});

describe('the draft', () => {
  it('starts as figure 6', () => {
    expect(requestOf(initialDraft(16), bounds)).toEqual({
      ...FIGURE_6,
      source: { kind: 'problems', seed: 1, samples: 16 },
    });
  });

  it('has the sections its subject and source allow', () => {
    const student = draft({ subject: 'student' });
    expect(student.sections).toEqual(['latent']);
    expect(changeDraft(student, { source: 'texts' }).sections).toEqual(['text']);
    expect(changeDraft(student, { centre: true }).sections).toEqual(['latent']);
    expect(draft({ overlay: 'student-2' }).overlaySections).toEqual(['latent']);
    expect(draft({ subject: 'student', sections: ['answer'] }).sections).toEqual(['answer']);
  });

  it('keeps chosen sections that the next subject also has', () => {
    const chosen = draft({ sections: ['question', 'answer'] });
    expect(changeDraft(chosen, { subject: 'base' }).sections).toEqual(['question', 'answer']);
    expect(changeDraft(chosen, { source: 'texts' }).sections).toEqual(['text']);
    const latents = draft({ subject: 'base', sections: ['latent'] });
    expect(changeDraft(latents, { subject: 'student' }).sections).toEqual(['latent']);
    expect(changeDraft(latents, { subject: 'teacher' }).sections).toEqual(['rationale']);
    expect(changeDraft(draft({}), { subject: 'student' }).sections).toEqual(['latent']);
  });

  it('compares with a checkpoint, and requests no angles without one', () => {
    const request = requestOf(draft({ overlay: 'student-2' }), bounds);
    expect(request.selections[1]).toEqual({
      subject: { kind: 'student', checkpoint: 2 },
      sections: ['latent'],
    });
    expect(request.angles).toBe(4);
    expect(requestOf(draft({ angles: 8 }), bounds).angles).toBe(0);
  });

  it('requests no angles between models of different sizes, and refuses trajectories', () => {
    const sizes = { ...bounds, overlayHidden: 64 };
    const both = draft({ overlay: 'opened' });
    expect(draftErrors(both, sizes).size).toBe(0);
    expect(requestOf(both, sizes).angles).toBe(0);
    expect(draftErrors({ ...both, trajectories: 'pca' }, sizes).get('trajectories')).toMatch(/96 and 64/);
  });

  it('asks for a span of tokens if one is typed', () => {
    expect(requestOf(draft({}), bounds)).not.toHaveProperty('span');
    expect(requestOf(draft({ span: '3-10' }), bounds).span).toEqual({ first: 3, last: 10 });
    expect(draftErrors(draft({ span: '3-2' }), bounds).get('span')).toMatch(/comes before the first/);
  });

  it('splits ids and texts', () => {
    expect(requestOf(draft({ source: 'ids', ids: 'train-1, train-7 train-1' }), bounds).source).toEqual({
      kind: 'ids',
      ids: ['train-1', 'train-7'],
    });
    expect(requestOf(draft({ source: 'texts', texts: ' a b \n\n c' }), bounds).source).toEqual({
      kind: 'texts',
      texts: [' a b ', ' c'],
    });
  });

  const wrong: readonly [string, Partial<LensDraft>, keyof LensDraft, RegExp][] = [
    ['no sample', { samples: 0 }, 'samples', /from 1 to 128/],
    ['a library', { source: 'texts', texts: 'x'.repeat(1_000_001) }, 'texts', /at most 1000000 characters/],
    ['half a sample', { samples: 1.5 }, 'samples', /whole number/],
    ['no number', { samples: Number.NaN }, 'samples', /whole number/],
    ['no ids', { source: 'ids' }, 'ids', /sample ids.*there are 0/],
    ['no texts', { source: 'texts', texts: ' \n' }, 'texts', /there are 0/],
    ['a layer too high', { layers: '7' }, 'layers', /has 6/],
    ['no part', { sections: [] }, 'sections', /at least one/],
    ['parts of two passes', { subject: 'base', sections: ['rationale', 'latent'] }, 'sections', /one pass/],
    ['thoughts of the teacher', { sections: ['latent'] }, 'sections', /student and the base/],
    ['the same twice', { overlay: 'teacher' }, 'overlay', /the same/],
    ['more directions than there are', { overlay: 'base', angles: 65 }, 'angles', /from 0 to 64/],
    ['another prompt of one', { samples: 1, controls: ['other-prompt'] }, 'controls', /a second sample/],
    [
      'random tokens of a question',
      { sections: ['question'], controls: ['random-tokens'] },
      'controls',
      /follows/,
    ],
  ];
  it.each(wrong)('shows %s beside the field', (_name, change, field, error) => {
    const errors = draftErrors(draft(change), bounds);
    expect([...errors.keys()]).toEqual([field]);
    expect(errors.get(field)).toMatch(error);
  });
});

describe('edits', () => {
  const change = (state: LensState, by: Partial<LensDraft>) =>
    editLens(state, { type: 'change', change: by });

  it('can be undone and redone one by one', () => {
    let state = change(change(initialLens, { centre: true }), { subject: 'student' });
    state = editLens(state, { type: 'undo' });
    expect(state.draft).toEqual(draft({ centre: true }));
    state = editLens(state, { type: 'redo' });
    expect(state.draft.sections).toEqual(['latent']);
    state = editLens(editLens(editLens(state, { type: 'undo' }), { type: 'undo' }), { type: 'undo' });
    expect(state.draft).toEqual(initialDraft());
    expect(change(state, { centre: true }).future).toEqual([]);
  });

  it('in one field count as one undo step while the user is typing', () => {
    let state = initialLens;
    for (const layers of ['1', '1-', '1-3']) state = change(state, { layers });
    state = change(state, { samples: 4 });
    expect(state.past).toHaveLength(2);
    expect(editLens(state, { type: 'undo' }).draft.layers).toBe('1-3');
  });

  it('that change nothing add no undo step', () => {
    expect(change(initialLens, { centre: false })).toBe(initialLens);
  });
});

describe('a link', () => {
  const back = (of: LensDraft, view: LensState['view']) => {
    const lens = lensLink(of, view, initialDraft());
    const read = readLensLink(new URLSearchParams(lens));
    expect(read.problems).toEqual([]);
    return followLensLink(read.lens, initialDraft());
  };

  it('to the default view is empty', () => {
    expect(lensLink(initialDraft(), 'spectra', initialDraft())).toEqual({});
  });

  it.each([
    draft({ subject: 'student-3', stack: 'layer', layers: '1-3, 5', controls: ['shuffled', 'gaussian'] }),
    draft({ overlay: 'student', overlaySections: ['answer'], angles: 8, centre: true, tucker: true }),
    draft({
      source: 'ids',
      ids: 'train-1 train-7',
      trajectories: 'pca',
      seed: 9,
      sections: ['question', 'answer'],
    }),
    draft({ samples: 4, drawSeed: 3, span: '3-' }),
  ])('survives a round trip: %#', (of) => {
    expect(back(of, 'tucker')).toEqual({ draft: of, view: 'tucker' });
  });

  it('carries no half-typed values', () => {
    expect(lensLink(draft({ layers: '1-', samples: 0 }), 'ranks', initialDraft())).toEqual({ view: 'ranks' });
  });

  it('names unusable values', () => {
    const { lens, problems } = readLensLink(
      new URLSearchParams('view=nope&subject=constructor&stack=layer&controls=a,b&samples=999&angles=-1'),
    );
    expect(lens).toEqual({ stack: 'layer' });
    expect(problems).toHaveLength(5);
  });
});
