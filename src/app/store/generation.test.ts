import { describe, expect, it, vi } from 'vitest';
import { MIN_TEMPERATURE } from '../../contract/generate';
import { type DoubleOptions, engineError } from '../workbench.testing';
import { generationErrors, generationRequestOf, initialGenerationDraft } from './generation';
import { formatLink } from './link';
import { openApp } from './open-app.testing';

function open(options: DoubleOptions & { hash?: string } = {}) {
  const app = openApp(options);
  return { ...app, generation: () => app.state().generation };
}

describe('generation', () => {
  it('shows tokens as they arrive, and finally the engine’s report, loading the pair first', async () => {
    const { actions, generation, doubles } = open();
    actions.changeGenerationSetting('samples', 2);
    actions.changeGenerationSetting('limit', 6);
    expect(await actions.generate()).toBe(true);
    expect(doubles[0]!.calls.map((call) => call.split(' ')[0])).toEqual(['open', 'loadPair', 'generate']);
    const { live, task } = generation();
    expect(task.status).toBe('done');
    expect(live?.samples.map(({ text, ending }) => ({ text, ending }))).toEqual(
      task.value?.samples.map(({ text, ending }) => ({ text, ending })),
    );
    expect(live?.samples[1]?.tokens).toHaveLength(6);
    expect(live?.samples[1]?.tokens[2]).toMatchObject({ piece: expect.any(String), probability: 1 / 3 });
    expect(live).toMatchObject({ tokensPerSecond: 12.5, prompt: task.value?.prompt });
    expect(live?.report).toBe(task.value);
  });

  it('that is stopped does not show the previous one’s report', async () => {
    const { actions, generation } = open({ pace: 20 });
    actions.changeGenerationSetting('limit', 4);
    expect(await actions.generate()).toBe(true);
    actions.changeGenerationSetting('limit', 200);
    const running = actions.generate();
    await vi.waitFor(() => expect(generation().live?.samples[0]?.tokens.length).toBeGreaterThan(4), {
      timeout: 5_000,
    });
    actions.cancelGeneration();
    expect(await running).toBe(false);
    expect(generation()).toMatchObject({ task: { status: 'done' }, live: { report: null } });
  });

  it('can be stopped: what has arrived stays, and the next one starts afresh', async () => {
    const { actions, generation } = open({ pace: 20 });
    await actions.loadPair();
    const running = actions.generate();
    await vi.waitFor(() => expect(generation().live?.samples[0]?.tokens.length ?? 0).toBeGreaterThan(1), {
      timeout: 5_000,
    });
    actions.cancelGeneration();
    expect(generation().task.status).toBe('cancelling');
    expect(await running).toBe(false);
    expect(generation().task.status).toBe('idle');
    expect(generation().live?.samples[0]).toMatchObject({
      ending: null,
      text: expect.stringContaining('Tom'),
    });
    const again = actions.generate();
    await vi.waitFor(() => expect(generation().live?.samples[0]?.tokens).toHaveLength(0));
    actions.cancelGeneration();
    await again;
  });

  it('keeps the text of one that fails, and requests nothing while a field is invalid', async () => {
    const { actions, generation, doubles } = open();
    await actions.generate();
    doubles[0]!.generate = () =>
      Promise.reject(engineError('input', 'the prompt has 900 tokens', 'Shorten it.'));
    expect(await actions.generate()).toBe(false);
    expect(generation().task).toMatchObject({ status: 'failed', error: { hint: 'Shorten it.' } });
    actions.changeGenerationSetting('topP', 2);
    const { length } = doubles[0]!.calls;
    expect(await actions.generate()).toBe(false);
    expect(doubles[0]!.calls).toHaveLength(length);
  });

  it('reads escapes in stop strings, and refuses a temperature that the engine would', () => {
    const request = generationRequestOf({
      ...initialGenerationDraft,
      stops: '\\n\\n\nQ:\n\\\\n\\t<|im_end|>',
    });
    expect(request.stop).toEqual(['\n\n', 'Q:', '\\n\t<|im_end|>']);
    const at = (temperature: number) =>
      generationErrors({
        ...initialGenerationDraft,
        settings: { ...initialGenerationDraft.settings, temperature },
      }).get('temperature');
    expect([at(0), at(MIN_TEMPERATURE), at(10)]).toEqual([undefined, undefined, undefined]);
    expect(at(1e-5)).toMatch(/^Temperature: 0, or at least 0\.0001, is expected/);
    expect(at(11)).toBe('Temperature: a number, 0 to 10, is expected.');
  });

  it('says what is wrong with each field', () => {
    const wrong = generationErrors({
      subject: 'teacher',
      prompt: '',
      template: '',
      stops: `a\n${'x'.repeat(101)}`,
      settings: { ...initialGenerationDraft.settings, temperature: -1, topK: 1.5, samples: 9 },
    });
    expect([...wrong]).toEqual([
      ['stops', 'At most 8 lines of at most 100 characters are expected.'],
      ['temperature', 'Temperature: a number, 0 to 10, is expected.'],
      ['topK', 'Top-k: a whole number, 0 to 1e6, is expected.'],
      ['samples', 'Samples: a whole number, 1 to 8, is expected.'],
      ['prompt', 'Type a text to continue.'],
    ]);
    expect(generationErrors(initialGenerationDraft).size).toBe(0);
  });

  it('is written to the address and restored from it', () => {
    const { actions, state, generation } = open();
    actions.goTo('generate');
    expect(formatLink(state().link)).toBe('#/generate');
    actions.changeGeneration({ prompt: 'Once upon', subject: 'opened', stops: '.' });
    actions.changeGenerationSetting('temperature', 0.8);
    actions.changeGenerationSetting('topP', Number.NaN);
    const hash = formatLink(state().link);
    expect(hash).toBe('#/generate?prompt=Once+upon&generator=opened&stops=.&temperature=0.8');
    const there = open({ hash });
    expect(there.generation().draft).toEqual({
      ...generation().draft,
      settings: { ...generation().draft.settings, topP: 1 },
    });
    actions.followLink('#/generate?length=5');
    expect(generation().draft).toEqual({
      ...initialGenerationDraft,
      settings: { ...initialGenerationDraft.settings, limit: 5 },
    });
    // A prompt too long for an address stays on the page.
    actions.changeGeneration({ prompt: 'x'.repeat(2001) });
    expect(formatLink(state().link)).toBe('#/generate?length=5');
  });

  it('takes back settings step by step and makes them again, prompt aside, in form and address', () => {
    const { actions, generation, state } = open({ hash: '#/generate?temperature=0.5' });
    for (const topK of [4, 40]) actions.changeGenerationSetting('topK', topK);
    actions.changeGenerationSetting('seed', 7);
    actions.changeGeneration({ prompt: 'Once' });
    for (const stops of ['.', '.\n!']) actions.changeGeneration({ stops });
    actions.changeGeneration({ template: 'default' });
    actions.changeGeneration({ prompt: 'Twice' });
    // What a link has set is where the history begins; two characters in one field are one step.
    expect(generation().past).toHaveLength(4);
    actions.undoGeneration();
    expect(generation().draft).toMatchObject({ prompt: 'Twice', template: '', stops: '.\n!' });
    actions.undoGeneration();
    actions.undoGeneration();
    expect(generation().draft).toMatchObject({ prompt: 'Twice', stops: '', settings: { topK: 40, seed: 1 } });
    expect(formatLink(state().link)).toBe('#/generate?prompt=Twice&temperature=0.5&top-k=40');
    actions.redoGeneration();
    expect(generation().draft.settings.seed).toBe(7);
    expect(formatLink(state().link)).toContain('noise=7');
    for (let i = 0; i < 5; i++) actions.undoGeneration();
    expect(generation().draft.settings).toEqual({ ...initialGenerationDraft.settings, temperature: 0.5 });
    actions.followLink('#/generate');
    expect([generation().past, generation().future]).toEqual([[], []]);
  });

  it('does not bring back a model that was closed, nor keep steps that then change nothing', async () => {
    const { actions, generation, state } = open();
    await actions.openCheckpoint([{ name: 'config.json', data: new Blob(['{}']) }]);
    expect(generation().past).toHaveLength(1);
    actions.changeGenerationSetting('topK', 3);
    actions.changeLens({ centre: true });
    await actions.closeCheckpoint();
    actions.undoGeneration();
    expect(generation()).toMatchObject({ draft: { subject: 'teacher', settings: { topK: 0 } }, past: [] });
    actions.undoLens();
    expect(state().lens).toMatchObject({ draft: { subject: 'teacher', centre: false }, past: [] });
  });
});
