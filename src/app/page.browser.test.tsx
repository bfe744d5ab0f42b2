import './ui/base.css';
import './ui/kit.css';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { memoryStore, type Store } from '../storage/store';
import { Page } from './Page';
import { createApp } from './store/app-store';
import { done } from './store/task';
import { AppProvider } from './store/use-app';
import { type Double, type DoubleOptions, double, engineError } from './workbench.testing';

const stored = (): Store => ({ ...memoryStore(''), unavailable: null });

let root: Root | undefined;
beforeEach(() => page.viewport(1280, 900));
afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
  history.replaceState(null, '', location.pathname + location.search);
});

function open(
  options: DoubleOptions & { hash?: string; storage?: Store | Promise<Store>; cancelLimit?: number } = {},
) {
  const doubles: Double[] = [];
  const app = createApp({
    connect: () => {
      doubles.push(double({ pace: 0, ...options }));
      return doubles.at(-1)!;
    },
    storage: Promise.resolve(options.storage ?? stored()),
    hash: options.hash ?? '#/model',
    pairUrl: '/models/',
    ...(options.cancelLimit !== undefined && { cancelLimit: options.cancelLimit }),
  });
  const place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  root.render(
    <AppProvider value={app}>
      <Page />
    </AppProvider>,
  );
  return { app, doubles, start: app.actions.start(true) };
}

const button = (name: string | RegExp) => page.getByRole('button', { name });
const text = (what: string | RegExp) => page.getByText(what).first();
const slow = { timeout: 20_000 };

describe('Model', () => {
  it('shows both models, the device and why it is not WebGPU', async () => {
    open();
    await expect.element(page.getByRole('heading', { name: 'Base: base' })).toBeVisible();
    await expect.element(page.getByRole('heading', { name: 'Teacher: teacher' })).toBeVisible();
    await expect.element(text(/SwiftShader\)$/)).toBeVisible();
    await expect.element(text('78.4 %')).toBeVisible();
    await expect.element(text('b'.repeat(64))).toBeVisible();
  });

  it('says why the pair was not loaded and what to do', async () => {
    open({
      failures: {
        loadPair: engineError('file', 'model.safetensors: header of 12 bytes is cut off', 'Load it again.'),
      },
    });
    const alert = page.getByRole('alert');
    await expect
      .element(alert)
      .toMatchTextContent(/The bundled pair was not loaded.*cut off.*What to do: Load it again\./);
    await expect.element(button('Try again')).toBeVisible();
  });

  it('offers WASM if the GPU fails', async () => {
    const { doubles, app, start } = open({
      failures: { open: engineError('device', 'the device was lost') },
    });
    await start;
    doubles[0]!.open = double({ pace: 0 }).open;
    await button('Use WASM').click();
    await expect.element(page.getByRole('heading', { name: 'Base: base' })).toBeVisible();
    expect(app.store.getState().settings.provider).toBe('wasm');
  });
});

describe('Low-rank', () => {
  it('draws one curve per sample with the controls, says the rank, and has the values as a table', async () => {
    open({ hash: '#/lowrank?controls=gaussian' });
    const samples = page.getByRole('textbox', { name: /^Samples/ });
    await samples.fill('0');
    await expect.element(text('Choose a whole number from 1 to 128.')).toBeVisible();
    await expect.element(button('Decompose')).toBeDisabled();
    await samples.fill('5');
    await button('Decompose').click();
    await expect.element(page.getByRole('heading', { name: 'How few directions' })).toBeVisible();
    await expect.element(text(/More are needed for Gaussian data/)).toBeVisible();
    const figure = page.getByRole('figure', { name: 'Cumulative singular values' });
    await expect.element(figure).toMatchTextContent(/samples train-0, train-1.*seed 1/);
    await figure.getByText('Values as a table').click();
    await expect.element(page.getByRole('table', { name: 'Cumulative singular values' })).toBeVisible();
    await expect.element(page.getByRole('table', { name: 'All spectra' })).toMatchTextContent(/train-4/);
  });

  it('computes what a view lacks at one press, and undoes changes by keyboard', async () => {
    const { app, start } = open({ hash: '#/lowrank?samples=3' });
    await start;
    await button('Decompose').click();
    await page.getByRole('tab', { name: 'Tucker' }).click();
    await button('Decompose by Tucker').click();
    await expect.element(page.getByRole('figure', { name: /^Energy of the core/ }), slow).toBeVisible();
    await page.getByRole('tab', { name: 'Trajectories' }).click();
    await button('Draw trajectories').click();
    await expect.element(text(/These three directions hold/), slow).toBeVisible();
    await page.getByRole('tab', { name: 'Angles' }).click();
    await button('Compare with the base').click();
    await expect.element(text(/nearest at layer/), slow).toBeVisible();
    await page.getByRole('tab', { name: 'Ranks' }).click();
    await expect.element(page.getByRole('figure', { name: 'Rank against length' })).toBeVisible();
    await page.getByRole('textbox', { name: /^Samples/ }).click();
    await userEvent.keyboard('{Control>}z{/Control}');
    expect(app.store.getState().lens.draft.overlay).toBeNull();
    await expect.element(text(/the form has changed since/)).toBeVisible();
    expect(location.hash).toContain('view=ranks');
  });

  it('runs the causal test and reads off a rank', async () => {
    const { start } = open({ hash: '#/lowrank?view=causal' });
    await start;
    await button('Run the causal test').click();
    await expect.element(text(/The whole model gets/), slow).toBeVisible();
    await page.getByRole('slider', { name: 'Rank r' }).fill('3');
    await button('Measure at rank 3').click();
    await expect.element(text(/^At rank 3:/), slow).toBeVisible();
  });

  it('can be cancelled', async () => {
    // Seven seconds: the button is still there when a busy machine presses it.
    const { app } = open({ hash: '#/lowrank', pace: 100 });
    await button('Decompose').click();
    await button('Cancel decomposition').click();
    await expect.element(text(/Nothing has been decomposed yet/)).toBeVisible();
    expect(app.store.getState().lens.report.status).toBe('idle');
  });
});

describe('Distil', () => {
  it('trains, draws and compares with the teacher', async () => {
    open({ hash: '#/distil' });
    await button('Start LoRi').click();
    await expect.element(text(/answers 86 of 200 held-out problems right: 55 %/), slow).toBeVisible();
    for (const title of ['Loss terms', 'Validation accuracy', 'Gradient norm', 'Learning rate']) {
      await expect.element(page.getByRole('figure', { name: title })).toBeVisible();
    }
    page.getByRole('figure', { name: 'Loss terms' }).element().scrollIntoView();
    await expect
      .poll(
        () => document.querySelectorAll('.plot')[0]?.querySelectorAll('.scatterlayer .trace').length,
        slow,
      )
      .toBe(4);
    await expect.element(page.getByRole('heading', { name: 'Kept runs' })).toBeVisible();
    await expect.element(button('Download run file')).toBeVisible();
  });

  it('pauses, resumes, stops', async () => {
    const { app } = open({ hash: '#/distil', pace: 20 });
    await button('Start LoRi').click();
    await button('Pause').click();
    await expect.element(text('Paused.')).toBeVisible();
    const at = () => app.store.getState().run.series.step.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const held = at();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(at()).toBe(held);
    await button('Resume').click();
    await button('Stop and keep').click();
    await expect.element(text('Stopped.')).toBeVisible();
  });

  it('shows a NaN loss with its step, what to do, and the curves so far', async () => {
    open({ hash: '#/distil', nanAt: 9 });
    await button('Start LoRi').click();
    await expect
      .element(page.getByRole('alert'), slow)
      .toMatchTextContent(/not a number at step 9.*Lower the learning rate/);
    await expect.element(button('Start LoRi')).toBeEnabled();
    await expect.element(page.getByRole('figure', { name: 'Loss terms' })).toBeVisible();
  });

  it('names a bad value beside its field and does not start with it', async () => {
    open({ hash: '#/distil' });
    const seed = page.getByLabelText(/^Seed/);
    await seed.fill('1e');
    await expect.element(text(/“1e” is not a number/)).toBeVisible();
    await expect.element(button('Start LoRi')).toBeDisabled();
    await seed.fill('1e3');
    await expect.element(button('Start LoRi')).toBeEnabled();
    await button(/Latent steps/).click();
    await page.getByRole('textbox', { name: /^Latent steps/ }).fill('0');
    await expect.element(text(/1 to correct/)).toBeVisible();
  });

  it('case 16: a number with a thousands separator is read as meant, or refused', async () => {
    const { app } = open({ hash: '#/distil' });
    const heldOut = page.getByLabelText(/^Held-out problems/);
    for (const [typed, said] of [
      ['1,000', /“1,000” could mean 1000 or 1: type one/],
      ['1.000', /“1.000” could mean 1000 or 1: type one/],
      ['0,5', /whole number/],
    ] as const) {
      await heldOut.fill(typed);
      await expect.element(text(said).first()).toBeVisible();
      await expect.element(button('Start LoRi')).toBeDisabled();
    }
    await heldOut.fill('1 000');
    await expect.element(button('Start LoRi')).toBeEnabled();
    expect(app.store.getState().draft.data.heldOut).toBe(1000);
  });

  it('accepts a run file and says what is wrong with a bad one', async () => {
    const { app, start } = open({ hash: '#/distil' });
    await start;
    const input = document.querySelector<HTMLInputElement>('input[type=file]')!;
    const give = (content: string) =>
      userEvent.upload(input, new File([content], 'run.json', { type: 'application/json' }));
    await give('{"kind":"lori-run","config":{"method":"codi","seed":77}}');
    await expect.element(button('Start CODI-style')).toBeVisible();
    expect(app.store.getState().draft.seed).toBe(77);
    await give('{"kind":"lori-run","config":{"latent":{"steps":0}}}');
    await expect
      .element(page.getByRole('alert'))
      .toMatchTextContent(/The file cannot be used.*the run file is not valid.*config\.latent\.steps/);
    expect(app.store.getState().draft.seed).toBe(77);
  });
});

describe('Data', () => {
  const jsonl = (...rows: object[]) => new Blob(rows.map((row) => `${JSON.stringify(row)}\n`));
  const solved = (i: number) => ({ question: `Question ${i}?`, answer: `So it is 1,00${i}.\n#### 1,00${i}` });

  it('says what was read, marks the answers, and lists what was left out', async () => {
    const { app, start } = open({ hash: '#/data' });
    await start;
    await expect.element(button('Use 128 GSM8K rows')).toBeVisible();
    const rows = jsonl(...[1, 2, 3, 3].map(solved), { question: 'No answer?' });
    await app.actions.openData([{ name: 'own.jsonl', data: rows }]);
    await expect.element(page.getByRole('heading', { name: 'own.jsonl' })).toBeVisible();
    await expect.element(text('3 of 3 rows pass the filter.')).toBeVisible();
    const marks = [...document.querySelectorAll('mark')].map(({ textContent }) => textContent);
    expect(marks).toEqual(['1,001', '1,002', '1,003']);
    await userEvent.click(text('Malformed rows: 1'));
    await expect.element(text('answer is missing')).toBeVisible();
    await expect.element(text(/Duplicates, whose questions differ only.*: 1/)).toBeVisible();
    // Another rule marks another place, and says where the two differ.
    app.actions.chooseRule('coconut');
    await expect.element(text('Text after the last #.')).toBeVisible();
    await userEvent.fill(page.getByRole('textbox', { name: 'Try it on a text' }), 'maybe # 1,001');
    await userEvent.fill(page.getByRole('textbox', { name: 'Reference answer' }), '1001');
    await expect.element(text('✓ Right against 1001.')).toBeVisible();
  });

  it('filters and draws as it is typed, and says what is wrong with a range', async () => {
    const { app, start } = open({ hash: '#/data?data-sample=4' });
    await start;
    await userEvent.click(button('Use 128 GSM8K rows'));
    await expect.element(text('128 of 128 rows pass the filter.')).toBeVisible();
    await userEvent.fill(page.getByRole('textbox', { name: 'Steps' }), '2-');
    await expect.element(text('96 of 128 rows pass the filter.')).toBeVisible();
    await userEvent.click(page.getByRole('radio', { name: 'Sample' }));
    await expect.element(text('1–4 of 4')).toBeVisible();
    await userEvent.fill(page.getByRole('textbox', { name: 'Steps' }), '8-3');
    await expect.element(text('8 is more than 3: type the smaller one first.')).toBeVisible();
    await userEvent.click(button('Count tokens for the bundled teacher'));
    await expect.element(text(/32 are longer than its 256 positions/)).toBeVisible();
    await userEvent.click(button('Leave out longer rows'));
    expect(app.store.getState().data.draft.tokens).toBe('-256');
  });

  it('shows bundled rows by their link, and undoes settings by key and button, but no text of its own', async () => {
    const { app, start } = open({ hash: '#/data?data-set=bundled&data-sample=4&data-rule=text' });
    await start;
    await expect.element(text('128 of 128 rows pass the filter.')).toBeVisible();
    await userEvent.fill(page.getByRole('textbox', { name: 'Steps' }), '2-');
    await expect.element(text('96 of 128 rows pass the filter.')).toBeVisible();
    await userEvent.fill(page.getByRole('textbox', { name: 'Try it on a text' }), 'maybe 7');
    await userEvent.keyboard('{Control>}z{/Control}');
    expect(app.store.getState().data.draft.steps).toBe('2-');
    await userEvent.click(page.getByRole('textbox', { name: /^Seed/ }));
    await userEvent.keyboard('{Control>}z{/Control}');
    await expect.element(text('128 of 128 rows pass the filter.')).toBeVisible();
    await userEvent.click(button('Redo'));
    await expect.element(text('96 of 128 rows pass the filter.')).toBeVisible();
    expect(app.store.getState().data).toMatchObject({ rule: 'text', draft: { samples: 4 } });
    await expect.poll(() => location.hash).toContain('data-set=bundled');
  });

  it('takes the columns that are chosen', async () => {
    const { app, start } = open({ hash: '#/data' });
    await start;
    await app.actions.openData([{ name: 'own.csv', data: new Blob(['frage,antwort\nWie viele?,4\n']) }]);
    for (const [field, column] of [
      ['Question', 'frage'],
      ['Answer', 'antwort'],
    ] as const) {
      await userEvent.click(button(new RegExp(`${field}$`)));
      await userEvent.click(page.getByRole('option', { name: column }));
    }
    await expect.element(text('1 of 1 rows pass the filter.')).toBeVisible();
  });

  it('shows figure 6 of its rows with one press once a model is open, and the cost before', async () => {
    const { app, start } = open({ hash: '#/lowrank' });
    await start;
    await app.actions.openCheckpoint([{ name: 'config.json', data: new Blob(['{}']) }]);
    await expect.element(text(/16 rows of gsm8k-train-128.jsonl, drawn with seed 1.* take/)).toBeVisible();
    await userEvent.click(button('Figure 6 of 16 GSM8K rationales'));
    await expect.element(page.getByRole('heading', { name: 'How few directions' }), slow).toBeVisible();
    expect(app.store.getState().lens.report.value?.request.source).toMatchObject({
      kind: 'rows',
      samples: 16,
    });
  });
});

describe('Latents', () => {
  it('steps with the arrow key, answers, and compares', async () => {
    const { start } = open({ hash: '#/latents?question=held-out-0' });
    await start;
    await button('Open question').click();
    await button(/Next thought/).click();
    await expect.element(text('53.1 %')).toBeVisible();
    await userEvent.keyboard('{ArrowRight}');
    await expect.element(text(/2 of 5 latent thoughts made/)).toBeVisible();
    await button('All, then answer').click();
    await expect.element(text('✓ correct')).toBeVisible();
    await button('Explicit chain of thought').click();
    await expect.element(text('The latent answer was 5.1 times faster.')).toBeVisible();
    await expect.element(text('<s>')).toBeVisible();
  });

  it('leaves the arrow key to a text field', async () => {
    const { app, start } = open({ hash: '#/latents?question=held-out-0' });
    await start;
    await button('Open question').click();
    await expect.element(button(/Next thought/)).toBeEnabled();
    await page.getByRole('textbox', { name: 'Text' }).click();
    await userEvent.keyboard('{ArrowRight}');
    expect(app.store.getState().latents.step).toBe(0);
  });

  it('says what to do about a question without tokens, and about K = 0', async () => {
    const { start } = open({ hash: '#/latents' });
    await start;
    await button('Open question').click();
    await expect.element(page.getByRole('alert')).toMatchTextContent(/has no tokens.*Type a question/);
    await page.getByRole('textbox', { name: /^Latent steps/ }).fill('0');
    await expect.element(text('K must be a whole number from 1 to 32.')).toBeVisible();
    await expect.element(button('Open question')).toBeDisabled();
  });

  it('says that an answer is wrong in words', async () => {
    const { start } = open({ hash: '#/latents?question=held-out-3' });
    await start;
    await button('Open question').click();
    await button('Answer now').click();
    await expect.element(text(/✕ incorrect, expected/)).toBeVisible();
  });
});

describe('the page', () => {
  it('runs the guided run from one button, in its own place, with a figure for each step', async () => {
    const { app } = open({ hash: '#/tour' });
    await button('Run LoRi on 128 samples').click();
    await expect.element(button('Run it again'), slow).toBeVisible();
    expect(app.store.getState().tour.task.status).toBe('done');
    expect(location.hash).toContain('#/tour');
    for (const told of [
      /rank \d+ of \d+ holds 95 %/,
      /Held-out accuracy 43.0 %; teacher 78.5 %/,
      /answer 10, expected/,
    ])
      await expect.element(text(told)).toBeVisible();
    await expect.element(page.getByRole('figure', { name: 'Cumulative singular values' })).toBeVisible();
    await button(/^All curves and settings in Distil/).click();
    await expect.element(page.getByRole('tab', { name: 'Distil', selected: true })).toBeVisible();
  });

  it('shows the guided run on a first visit and Model on the next', async () => {
    const storage = stored();
    const first = open({ hash: '', storage });
    await first.start;
    await expect.element(page.getByRole('tab', { name: 'Tour', selected: true })).toBeVisible();
    await expect.element(button('Run LoRi on 128 samples')).toBeVisible();
    root?.unmount();
    const next = open({ hash: '', storage });
    await next.start;
    await expect.element(page.getByRole('tab', { name: 'Model', selected: true })).toBeVisible();
  });

  it('shows the guided run if the store does not answer', async () => {
    open({ hash: '', storage: new Promise<Store>(() => {}) });
    await expect.element(button('Run LoRi on 128 samples'), slow).toBeVisible();
  });

  it('shows model, device and the task in progress in the bar, with a cancel button', async () => {
    const { app, start } = open({ hash: '#/model', pace: 20 });
    const bar = page.getByRole('banner');
    await expect.element(bar.getByRole('progressbar', { name: 'Loading the models' })).toBeVisible();
    await start;
    await expect.element(bar).toMatchTextContent(/bundled pair.*WASM, 2 threads.*Memory/);
    await expect.element(bar).toMatchTextContent(/No task running/);
    const running = app.actions.startRun();
    await expect
      .element(bar, slow)
      .toMatchTextContent(/Distillation.*Training.*of 150 steps.*(about|less than) .* left/);
    await button('Cancel task: Distillation').click();
    await expect.element(bar).toMatchTextContent(/No task running/);
    expect(await running).toBe(false);
  });

  it('offers to restart an engine that does not respond to a cancellation', async () => {
    const { app, doubles, start } = open({ hash: '#/distil', pace: 5, isDeaf: true, cancelLimit: 50 });
    await start;
    app.actions.setField('optimiser.steps', 100_000);
    await button('Start LoRi').click();
    await expect.element(text('Running.')).toBeVisible();
    await expect.poll(() => app.store.getState().run.series.step.length).toBeGreaterThan(0);
    await button('Discard').click();
    await expect
      .element(page.getByRole('alert'))
      .toMatchTextContent(/does not respond to Cancel.*still running/);
    await button('Restart the engine').click();
    await expect.element(button('Start LoRi'), slow).toBeVisible();
    expect(doubles).toHaveLength(2);
  });

  it('opens a model from files in Model, and says who uses it', async () => {
    const { start } = open({ hash: '#/model' });
    await start;
    await page.getByRole('tab', { name: 'Your files' }).click();
    const [, files] = document.querySelectorAll<HTMLInputElement>('.model-drop input[type=file]');
    await userEvent.upload(files!, new File(['{}'], 'config.json'));
    await expect.element(page.getByRole('heading', { name: 'Opened: stories' })).toBeVisible();
    await expect.element(page.getByRole('banner')).toMatchTextContent(/bundled pair \+ stories/);
    await button('See its hidden states').click();
    await expect
      .element(page.getByRole('button', { name: /Opened: stories.*Hidden states of/ }))
      .toBeVisible();
    await page.getByRole('tab', { name: 'Distil' }).click();
    await expect.element(text(/This run trains the bundled base/)).toBeVisible();
    await page.getByRole('tab', { name: 'Latents' }).click();
    await expect.element(text(/answered by the bundled pair/)).toBeVisible();
  });

  it('keeps a message and a name of any length inside the page', async () => {
    const { app, start } = open({ hash: '#/model' });
    await start;
    app.store.setState({
      notices: [{ id: 1, kind: 'warning', text: 'x'.repeat(900_000) }],
      dead: {
        name: 'WorkerError',
        code: 'worker',
        message: 'y'.repeat(900_000),
        hint: 'z'.repeat(900_000),
        stack: null,
      },
    });
    await expect.element(page.getByRole('alert')).toMatchTextContent(/yyy…/);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(1280);
    expect(document.documentElement.scrollHeight).toBeLessThan(4000);
  });

  it('names what it does not know in a link, and keeps working', async () => {
    open({ hash: '#/distill?preset=nope' });
    await expect
      .element(page.getByRole('alert'))
      .toMatchTextContent(/unknown place "distill".*unknown preset "nope"/);
    await expect.element(page.getByRole('tab', { name: 'Model', selected: true })).toBeVisible();
  });

  it('goes back to the previous place', async () => {
    open();
    await page.getByRole('tab', { name: 'Distil' }).click();
    await page.getByRole('tab', { name: 'Latents' }).click();
    history.back();
    await expect.element(page.getByRole('tab', { name: 'Distil', selected: true })).toBeVisible();
  });

  it('offers to restart a dead engine, and loads the pair again', async () => {
    const { doubles, start } = open();
    await start;
    doubles[0]!.die();
    await expect.element(page.getByRole('alert')).toMatchTextContent(/The engine has stopped/);
    await button('Restart the engine').click();
    await expect.element(page.getByRole('heading', { name: 'Base: base' })).toBeVisible();
    expect(doubles).toHaveLength(2);
  });

  it('keeps a failing place from affecting the others', async () => {
    const { app, start } = open();
    await start;
    app.store.setState({
      pair: done({ models: [null], dataset: '', seconds: 0 } as never),
    });
    await expect.element(page.getByRole('alert')).toMatchTextContent(/Model could not be shown/);
    await page.getByRole('tab', { name: 'Arena' }).click();
    await expect.element(button('Start the arena')).toBeVisible();
  });

  it('needs no sideways scrolling at 360 pixels', async () => {
    await page.viewport(360, 800);
    const { start, app } = open({ hash: '#/distil' });
    await start;
    await app.actions.startTour();
    await app.actions.openBundledRows();
    for (const tab of ['Tour', 'Model', 'Data', 'Low-rank', 'Generate', 'Distil', 'Latents', 'Arena']) {
      await page.getByRole('tab', { name: tab }).click();
      await new Promise((resolve) => setTimeout(resolve, 600));
      const { scrollWidth, clientWidth } = document.documentElement;
      expect(scrollWidth, tab).toBeLessThanOrEqual(clientWidth);
      // Nothing is cut off either: every place is as wide as the window at most.
      expect(document.querySelector('main')!.getBoundingClientRect().right, tab).toBeLessThanOrEqual(
        clientWidth,
      );
    }
    await page.viewport(1280, 900);
  });
});
