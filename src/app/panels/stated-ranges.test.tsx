import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type { ModelReport } from '../../contract/events';
import { causalErrors, initialCausalDraft } from '../store/causal-draft';
import { evaluationErrors, initialEvaluationDraft } from '../store/evaluation';
import { drafted, type InterveneDraft, initialIntervention } from '../store/intervene-draft';
import { interveneErrors, sizesOf } from '../store/intervene-numbers';
import { draftErrors, initialDraft } from '../store/lens-draft';
import { initialMemory, memoryErrors } from '../store/memory-draft';
import { openApp } from '../store/open-app.testing';
import { initialStoppingDraft, stoppingErrors } from '../store/stopping';
import { initialThoughtTestDraft, thoughtTestErrors } from '../store/thought-test';
import { AppProvider } from '../store/use-app';
import { EvaluationForm } from './latents/evaluation/EvaluationForm';
import { InterveneForm } from './latents/InterveneForm';
import { StoppingCard } from './latents/stopping/StoppingCard';
import { ThoughtTestCard } from './latents/thought-test/ThoughtTestCard';
import { RequestForm } from './lowrank/form/RequestForm';
import { CausalForm } from './lowrank/views/CausalForm';
import { MemoryTable } from './model/MemoryTable';

type App = ReturnType<typeof openApp>;

/** Rendered without a window, where the store's hook reads the state that the page began with. */
function shown({ store, actions }: App, form: ReactNode): string {
  const now = { ...store, getInitialState: store.getState };
  return renderToStaticMarkup(<AppProvider value={{ store: now, actions }}>{form}</AppProvider>);
}

/** What stands beside the field with this label. */
function stated(html: string, label: string): { low: number; high: number; unit: string; usual: string } {
  const fields = html.split('<label').map((field) => {
    const [name = '', rest = ''] = field.slice(field.indexOf('>') + 1).split('</label>');
    return { name: name.replaceAll(/<[^>]*>/g, ' ').trim(), rest };
  });
  const { rest: said = '' } =
    fields.find(({ name }) => name === label) ?? fields.find(({ name }) => name.startsWith(label)) ?? {};
  const found = /Range: (\S+) to (\S+?)(?: ([^.,]+)|, without a unit)\. Default: ([^.]*(?:\.\d+)?)\./.exec(
    said,
  );
  expect(found, `${label}: ${said}`).not.toBeNull();
  const [, low, high, unit = '', usual = ''] = found as RegExpExecArray;
  return { low: Number(low), high: Number(high), unit, usual };
}

/** The stated range is the one that is enforced, and the stated default the form's. */
function check<Draft extends object>(
  html: string,
  fields: Readonly<Record<string, keyof Draft>>,
  initial: Draft,
  errorsOf: (draft: Draft) => ReadonlyMap<unknown, string>,
) {
  for (const [label, field] of Object.entries(fields)) {
    const { low, high, usual } = stated(html, label);
    const isWrong = (value: number) => errorsOf({ ...initial, [field]: value }).has(field);
    expect([low - 1, low, high, high + 1].map(isWrong), label).toEqual([true, false, false, true]);
    expect(usual, label).toBe(String(initial[field]));
  }
}

const bounds = { layers: 6, hidden: 96, overlayHidden: 96 };

describe('beside a number stand its range, as it is enforced, its unit and its default', () => {
  it('in Low-rank', () => {
    const app = openApp();
    app.actions.changeLens({ overlay: 'base' });
    const html = shown(app, <RequestForm />);
    const draft = { ...initialDraft(), overlay: 'base' as const };
    check(
      html,
      {
        Samples: 'samples',
        'Seed of the draw': 'drawSeed',
        'Directions for the angles': 'angles',
        Seed: 'seed',
      },
      draft,
      (one) => draftErrors(one, bounds),
    );
    expect(stated(html, 'Samples').unit).toBe('samples');
  });

  it('in the causal test', async () => {
    const app = openApp();
    await app.actions.loadPair();
    const html = shown(app, <CausalForm />);
    const fields = { 'Held-out problems': 'problems', 'Samples for': 'samples', Seed: 'seed' } as const;
    check(html, fields, initialCausalDraft, (draft) => causalErrors(draft, bounds));
    const ranks = stated(html, 'Ranks');
    const known = { layers: stated(html, 'Layers').high, hidden: ranks.high };
    const wrong = (draft: Partial<typeof initialCausalDraft>) =>
      causalErrors({ ...initialCausalDraft, ...draft }, known).size;
    expect([wrong({ ranks: `${known.hidden}` }), wrong({ ranks: `${known.hidden + 1}` })]).toEqual([0, 1]);
    expect([wrong({ layers: `${known.layers}` }), wrong({ layers: `${known.layers + 1}` })]).toEqual([0, 1]);
    const model = app.state().pair.value?.models.find(({ role }) => role === 'teacher');
    expect(known).toEqual({ layers: model?.layers, hidden: model?.hidden });
  });

  it('in the evaluation, the test of the thoughts and stopping', () => {
    const app = openApp();
    for (const name of ['evaluation', 'stopping', 'thoughtTest'] as const)
      app.actions.changeForm(name, { source: 'rows' });
    const problems = { 'Number of problems': 'problems' } as const;
    const split = { ...problems, 'Seed of the split': 'seed' } as const;
    const rows = { source: 'rows' } as const;
    check(
      shown(app, <EvaluationForm />),
      { ...split, 'Problems at once': 'together' },
      { ...initialEvaluationDraft, ...rows },
      evaluationErrors,
    );
    check(shown(app, <StoppingCard />), split, { ...initialStoppingDraft, ...rows }, stoppingErrors);
    check(
      shown(app, <ThoughtTestCard />),
      { ...problems, Seed: 'seed' },
      { ...initialThoughtTestDraft, ...rows },
      (draft) => thoughtTestErrors(draft, 96),
    );
  });

  it.each<[Partial<InterveneDraft>, Readonly<Record<string, keyof InterveneDraft>>]>([
    [
      { kind: 'noise', site: 'residual' },
      { Seed: 'seed', Layer: 'layer' },
    ],
    [{ kind: 'scale' }, { Factor: 'factor' }],
    [{ kind: 'interpolate', token: 'a' }, { Share: 'share' }],
    [{ kind: 'project' }, { Directions: 'rank', 'Training problems': 'problems' }],
    [{ kind: 'replace', vector: 'mean' }, { 'Training problems': 'problems' }],
    [
      { kind: 'remove', vector: 'direction' },
      { 'Training problems': 'problems', 'Which direction': 'index' },
    ],
    [{ kind: 'replace', vector: 'question' }, { 'Which token of the question': 'thought' }],
  ])('for interventions: %j', async (change, fields) => {
    const app = openApp();
    await app.actions.loadPair();
    app.actions.typeQuestion('1 + 1');
    await app.actions.openQuestion();
    app.actions.changeForm('intervene', change);
    const session = app.state().latents.session.value!;
    const sizes = sizesOf(session);
    const html = shown(app, <InterveneForm />);
    const draft = { ...initialIntervention, ...change };
    check(html, fields, draft, (one) => interveneErrors(one, sizes));
    // Where the model's own sizes do not limit it, the same is what the engine takes.
    for (const [label, field] of Object.entries(fields)) {
      const { low, high } = stated(html, label);
      const isRefused = (value: number) =>
        drafted({ ...draft, [field]: value }, session.latentSteps).problem !== null;
      expect([low - 1, low, high].map(isRefused), label).toEqual([true, false, false]);
      if (!['layer', 'rank', 'index'].includes(field)) expect(isRefused(high + 1), label).toBe(true);
    }
  });

  it('in the table of memory', async () => {
    const app = openApp();
    await app.actions.openDevice();
    const model = { ...MODEL, layers: 24 } as ModelReport;
    const html = shown(app, <MemoryTable model={model} reported={undefined} />);
    const errors = (draft: typeof initialMemory) => memoryErrors(draft, 24);
    check(html, { 'Batch size': 'sequences', 'Tokens per': 'tokens' }, initialMemory, errors);
    expect(stated(html, 'Hidden states up to layer')).toMatchObject({
      low: 1,
      high: 24,
      usual: '24, the last',
    });
    expect([0, 24, 25].map((layers) => errors({ ...initialMemory, layers }).size)).toEqual([1, 0, 1]);
  });
});

const MODEL = {
  ...{ name: 'm', role: 'opened', modelType: 'qwen2', parameters: 1e6, bytes: 1e6, sha256: 'a', layers: 24 },
  ...{ hidden: 896, intermediate: 4864, heads: 14, kvHeads: 2, headDim: 64, vocabulary: 1000, tied: true },
  ...{ licence: '', measured: [] },
};
