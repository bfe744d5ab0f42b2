import { describe, expect, it, vi } from 'vitest';
import { type Offer, offerOf } from '../../hub/choose';
import { HubError } from '../../hub/errors';
import type { ModelSources } from '../../hub/index';
import type { HubSource } from '../../hub/source';
import type { CheckpointLibrary, LibraryList } from '../../storage/checkpoint-library';
import { type DownloadPlan, keyOf } from '../../storage/checkpoint-rows';
import { StorageError } from '../../storage/errors';
import { memoryStore } from '../../storage/store';
import { type DoubleOptions, double, engineError } from '../workbench.testing';
import { createApp } from './app-store';
import { formatLink } from './link';
import { isDownloading } from './sources';

const planOf = ({ base, id, revision }: HubSource): DownloadPlan => ({
  version: 1,
  base,
  id,
  revision,
  commit: 'a'.repeat(40),
  licence: 'mit',
  startedAt: 0,
  files: [
    { path: 'config.json', size: 10, sha256: null, gitSha1: 'b'.repeat(40) },
    { path: 'model.safetensors', size: 990, sha256: 'c'.repeat(64), gitSha1: null },
  ],
});

/** Hosts and a library that record what was asked of them. */
function made({
  quota = 10_000,
  fails = null as Error | null,
  offline = false,
  library = {} as Partial<CheckpointLibrary>,
} = {}) {
  const asked: string[] = [];
  const stored = new Map<string, DownloadPlan>();
  const used: (string | null)[] = [];
  const manifestOf = (plan: DownloadPlan) => ({
    ...plan,
    finishedAt: 1,
    files: plan.files.map((file) => ({ ...file, storedAs: file.path, proof: 'sha256' as const })),
  });
  let list = (): LibraryList => ({
    whole: [...stored].map(([key, plan]) => ({ key, bytes: 1000, manifest: manifestOf(plan) })),
    unfinished: [],
    damaged: [],
  });
  const sources: ModelSources = {
    library: {
      unavailable: null,
      list: async () => list(),
      async files(key) {
        const plan = stored.get(key);
        if (!plan) throw new StorageError(`no ${key}`, 'Download it again.');
        const files = plan.files.map(({ path }) => ({ name: path, data: new Blob(['x']) }));
        return { manifest: manifestOf(plan), files };
      },
      async use(key) {
        used.push(key);
      },
      async remove(key) {
        if (used.at(-1) === key) throw new StorageError('the model is open in this tab', 'Reload.');
        stored.delete(key);
      },
      room: async () => ({ used: 100, quota, isPersistent: false }),
      persist: async () => true,
      ...library,
    },
    async lookUp(source, { token }) {
      asked.push(`look up ${source.id}@${source.revision} at ${source.base} with ${token ?? 'no token'}`);
      if (offline) throw new HubError('network', 'no network', 'Try again.');
      const { licence, commit, files } = planOf(source);
      const [config, weights] = files;
      return offerOf({
        repository: { ...source, licence, commit, files },
        choices: [
          { id: 'safetensors', files: [weights!] },
          { id: 'onnx/model.onnx', files: [] },
        ],
        config: { of: config!.path },
      }) satisfies Offer;
    },
    async download(plan, { report, signal }) {
      asked.push(`download ${plan.id}`);
      report({
        done: 500,
        total: 1000,
        file: 'model.safetensors',
        speed: 1,
        left: 500,
        waiting: null,
        isChecking: false,
      });
      await new Promise((next) => setTimeout(next, 5));
      if (signal.aborted) throw new HubError('cancelled', 'cancelled', 'Resume it.');
      if (fails) throw fails;
      stored.set(keyOf(plan), plan);
    },
  };
  return { sources, asked, stored, used, setList: (next: () => LibraryList) => (list = next) };
}

function open(
  options: Parameters<typeof made>[0] = {},
  hash = '#/model',
  failures: DoubleOptions['failures'] = {},
) {
  const world = made(options);
  const engine = double({ pace: 0, failures });
  const app = createApp({
    connect: () => engine,
    storage: Promise.resolve({ ...memoryStore(''), unavailable: null }),
    sources: world.sources,
    hash,
    pairUrl: '/models/',
  });
  return { ...world, ...app, engine, state: () => app.store.getState().sources };
}

describe('opening a model from a host', () => {
  it('sends no request before it is told to; then gets the list, then the files, and opens them', async () => {
    const { actions, asked, state, store, used } = open();
    await actions.start(false);
    actions.typeModel('org/name@v1');
    actions.setToken(' hf_x ');
    expect(asked).toEqual([]);
    expect(await actions.lookUpModel()).toBe(true);
    expect(asked).toEqual(['look up org/name@v1 at https://huggingface.co with hf_x']);
    expect(formatLink(store.getState().link)).toBe('#/model?model=org/name@v1');
    actions.chooseWeights('onnx/model.onnx');
    expect(state().offer.value).toMatchObject({ bytes: 10, choice: { id: 'onnx/model.onnx' } });
    actions.chooseWeights('safetensors');
    const { plan } = state().offer.value!;
    expect(await actions.download(plan)).toBe(true);
    expect(asked.at(-1)).toBe('download org/name');
    expect(used.at(-1)).toBe(keyOf(plan));
    expect(store.getState().lens.opened.value).toMatchObject({ name: 'org/name', licence: 'mit' });
    expect(state()).toMatchObject({ open: { key: keyOf(plan), label: 'org/name@v1' }, problem: null });
    expect(state().library?.whole).toHaveLength(1);
  });

  it('recognises a model that cannot be opened before downloading it', async () => {
    const refusal = engineError('config', 'unsupported model_type "mistral"', 'Choose another.');
    for (const [error, said] of [
      [refusal, { message: 'unsupported model_type "mistral"', hint: 'Choose another.' }],
      [engineError('worker', 'gone'), null],
    ] as const) {
      const { actions, state } = open({}, '#/model', { describeConfig: error });
      actions.typeModel('org/name');
      expect(await actions.lookUpModel()).toBe(true);
      if (said) expect(state().described).toMatchObject(said);
      else expect(state().described).toBeNull();
    }
  });

  it('keeps the token out of the state', async () => {
    const { actions, store } = open();
    actions.setToken('hf_secret');
    actions.typeModel('org/name');
    await actions.lookUpModel();
    expect(
      JSON.stringify(store.getState(), (_, value) => (value instanceof Set ? [...value] : value)),
    ).not.toContain('hf_secret');
    expect(store.getState().sources.hasToken).toBe(true);
    actions.setToken('');
    expect(store.getState().sources.hasToken).toBe(false);
  });

  it('refuses a token that no header takes when it is given, and sends none', async () => {
    const { actions, asked, state, store } = open();
    actions.setToken('hf_old');
    actions.setToken('hf_secret\u200B');
    expect(state()).toMatchObject({
      hasToken: false,
      tokenError: { code: 'input', message: expect.stringContaining('character 10') },
    });
    expect(JSON.stringify(store.getState().sources)).not.toContain('secret');
    actions.typeModel('org/name');
    await actions.lookUpModel();
    expect(asked.at(-1)).toContain('with no token');
    actions.setToken('hf_secret');
    expect(state()).toMatchObject({ hasToken: true, tokenError: null });
  });

  it('asks a mirror at its own address, and reports invalid addresses and names beside the form', async () => {
    const { actions, asked, state, store } = open();
    actions.showSource('mirror');
    actions.typeModel('org/name');
    actions.typeMirror('not an address');
    expect(await actions.lookUpModel()).toBe(false);
    expect(state().offer).toMatchObject({ status: 'failed', error: { code: 'input' } });
    actions.typeMirror('https://mirror.example/');
    expect(await actions.lookUpModel()).toBe(true);
    expect(asked).toEqual(['look up org/name@main at https://mirror.example with no token']);
    // Links never name a mirror.
    expect(store.getState().link.model).toBeNull();
  });

  it('a link asks, and nothing is fetched; once declined, it is gone from the address', async () => {
    const { actions, asked, state, store } = open({}, '#/model?model=org/name@v1');
    await actions.start(false);
    expect([asked, state().asked, state().model, state().tab]).toEqual([
      [],
      'org/name@v1',
      'org/name@v1',
      'hub',
    ]);
    actions.declineOffer();
    expect([state().asked, store.getState().link.model]).toEqual([null, null]);
    actions.followLink('#/model?model=org/other');
    expect([asked, state().asked]).toEqual([[], 'org/other']);
  });

  it('refuses what does not fit before a byte is fetched', async () => {
    const { actions, asked, state } = open({ quota: 900 });
    actions.typeModel('org/name');
    await actions.lookUpModel();
    expect(await actions.download(state().offer.value!.plan)).toBe(false);
    expect(state().download).toMatchObject({
      status: 'failed',
      error: { code: 'storage', message: expect.stringContaining('1000 bytes') },
    });
    expect(asked).toHaveLength(1);
  });

  it('needs no space for what has already arrived', async () => {
    const { actions, asked, setList } = open({ quota: 900 });
    const plan = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'main' });
    setList(() => ({
      whole: [],
      unfinished: [{ key: keyOf(plan), plan, isUnderWay: false, received: 700, bytes: 1000 }],
      damaged: [],
    }));
    await actions.download(plan);
    expect(asked).toEqual(['download org/name']);
  });

  it('shows a failure with a hint; a cancel leaves no error behind', async () => {
    const failing = open({ fails: new HubError('network', 'lost', 'Resume it.') });
    const plan = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'main' });
    expect(await failing.actions.download(plan)).toBe(false);
    expect(failing.state()).toMatchObject({
      download: { status: 'failed', error: { hint: 'Resume it.' } },
      transfer: null,
    });
    const { actions, state } = open();
    const download = actions.download(plan);
    await new Promise((next) => setTimeout(next, 1));
    const other = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'v2' });
    const keys = [plan, { ...other, commit: 'd'.repeat(40) }].map(keyOf);
    expect(keys.map((key) => isDownloading(state(), key))).toEqual([true, false]);
    actions.cancelDownload();
    expect(await download).toBe(false);
    expect(state()).toMatchObject({ download: { status: 'idle' }, transfer: null, open: null });
  });
});

const never = () => new Promise<never>(() => {});

describe('a library that does not respond', () => {
  it('does not stop the pair from loading, and is reported after a while', async () => {
    vi.useFakeTimers();
    try {
      const { actions, store, state } = open({ library: { list: never } });
      const starting = actions.start(true);
      await vi.advanceTimersByTimeAsync(500);
      await starting;
      expect(store.getState().pair.status).toBe('done');
      expect(state().problem).toBeNull();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(state().problem).toMatchObject({
        title: 'The stored models could not be listed',
        error: { code: 'storage', message: expect.stringContaining('did not respond') },
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not hold up a cancelled download, nor does the engine a cancelled look-up', async () => {
    const plan = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'main' });
    const { actions, asked, state } = open({ library: { persist: never } });
    const download = actions.download(plan);
    actions.cancelDownload();
    expect(await download).toBe(false);
    expect([asked, state().download.status]).toEqual([[], 'idle']);

    const silent = double({ pace: 0 });
    silent.describeConfig = never;
    const other = createApp({
      connect: () => silent,
      storage: Promise.resolve(memoryStore('')),
      sources: made().sources,
      hash: '#/model',
      pairUrl: '/models/',
    });
    other.actions.typeModel('org/name');
    const looking = other.actions.lookUpModel();
    await new Promise((next) => setTimeout(next, 5));
    other.actions.cancelLookUp();
    expect(await looking).toBe(false);
    expect(other.store.getState().sources.offer.status).toBe('idle');
  });
});

describe('what is stored', () => {
  it('is not listed if nothing can be stored: only the reason is given', async () => {
    const { actions, state } = open({
      library: { unavailable: 'no secure context', list: async () => Promise.reject(new Error('no')) },
    });
    await actions.refreshLibrary();
    expect(state()).toMatchObject({ unavailable: 'no secure context', problem: null });
  });

  it('opens without contacting any host, and is in use until another model is opened', async () => {
    const { actions, asked, stored, used, state } = open({ offline: true });
    const plan = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'main' });
    const key = keyOf(plan);
    stored.set(key, plan);
    expect(await actions.openStored(key)).toBe(true);
    await actions.deleteStored(key);
    expect(state().problem?.error.message).toContain('open in this tab');
    expect(await actions.openFiles([{ name: 'config.json', data: new Blob(['{}']) }])).toBe(true);
    expect([used.at(-1), state().open]).toEqual([null, null]);
    await actions.deleteStored(key);
    expect([state().problem, state().library?.whole]).toEqual([null, []]);
    expect(asked).toEqual([]);
  });

  it('stays in use while an adapter is merged into it, wherever that is stored', async () => {
    const { actions, stored, used, state, engine } = open();
    const [base, adapter] = ['org/base', 'org/adapter'].map((id) =>
      planOf({ base: 'https://huggingface.co', id, revision: 'main' }),
    ) as [ReturnType<typeof planOf>, ReturnType<typeof planOf>];
    for (const plan of [base, adapter]) stored.set(keyOf(plan), plan);
    await actions.openStored(keyOf(base));
    const { openCheckpoint } = engine;
    engine.openCheckpoint = async (...of) =>
      ({ ...(await openCheckpoint(...of)), adapter: { onOpened: true } }) as never;
    expect(await actions.openStored(keyOf(adapter))).toBe(true);
    expect(used.at(-1)).toBe(keyOf(base));
    expect(state().open?.key).toBe(keyOf(base));
  });

  it('is released once it is closed, and what was set to use it uses the bundled pair', async () => {
    const { actions, stored, used, state, store } = open();
    const app = store.getState;
    const plan = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'main' });
    stored.set(keyOf(plan), plan);
    await actions.openStored(keyOf(plan));
    actions.chooseRole('student', 'opened');
    actions.changeLens({ overlay: 'opened' });
    actions.changeForm('causal', { subject: 'opened' });
    actions.changeForm('evaluation', { subject: 'opened', problems: 7 });
    actions.changeForm('stopping', { subject: 'opened' });
    actions.changeForm('thoughtTest', { subject: 'opened' });
    expect(app().draft.roles).toMatchObject({ student: 'opened', teacher: 'self' });
    expect(app().generation.draft.subject).toBe('opened');
    expect(await actions.closeOpened()).toBe(true);
    expect([used.at(-1), state().open, app().lens.opened.value]).toEqual([null, null, null]);
    expect(app().lens.draft).toMatchObject({ subject: 'teacher', overlay: null });
    expect(app().generation.draft.subject).toBe('teacher');
    expect(app().forms.causal.draft.subject).toBe('teacher');
    expect(app().forms.evaluation.draft).toMatchObject({ subject: 'student', problems: 7 });
    const { stopping, thoughtTest } = app().forms;
    expect([stopping, thoughtTest].map(({ draft }) => draft.subject)).toEqual(['student', 'student']);
    // Nor does Undo bring it back.
    actions.undoForm('stopping');
    expect(app().forms.stopping).toMatchObject({ draft: { subject: 'student' }, past: [] });
    expect(app().draft.roles).toMatchObject({ student: 'bundled', teacher: 'bundled' });
    expect(app().link.generation).not.toContain('opened');
  });

  it('stays open if the engine refuses to close it', async () => {
    const { actions, engine, store } = open();
    const app = store.getState;
    await actions.openFiles([{ name: 'config.json', data: new Blob(['{}']) }]);
    engine.closeCheckpoint = () => Promise.reject(new Error('a run is in progress'));
    expect(await actions.closeOpened()).toBe(false);
    expect(app().lens.opened.value).not.toBeNull();
    expect(app().notices.at(-1)?.text).toContain('a run is in progress');
  });

  it('reports a checkpoint that is gone; the one open before stays in use', async () => {
    const { actions, stored, used, state } = open();
    const plan = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'main' });
    stored.set(keyOf(plan), plan);
    await actions.openStored(keyOf(plan));
    expect(await actions.openStored('gone')).toBe(false);
    expect(state().problem).toMatchObject({
      title: 'The stored model was not opened',
      error: { hint: 'Download it again.' },
    });
    expect(used.at(-1)).toBe(keyOf(plan));
  });

  it('can be deleted once the engine that had it open has died', async () => {
    const { actions, stored, state } = open();
    const plan = planOf({ base: 'https://huggingface.co', id: 'org/name', revision: 'main' });
    stored.set(keyOf(plan), plan);
    await actions.openStored(keyOf(plan));
    await actions.restart();
    await actions.deleteStored(keyOf(plan));
    expect([state().problem, stored.size]).toEqual([null, 0]);
  });
});
