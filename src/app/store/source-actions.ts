import type { NamedFile } from '../../contract/lens';
import { type Offer, offerOf } from '../../hub/choose';
import { HUB, hostOf, parseBase, parseSource, writeSource } from '../../hub/source';
import { parseToken } from '../../hub/token';
import { bytesOf, type DownloadPlan, keyOf } from '../../storage/checkpoint-rows';
import { LIMIT, within } from '../../storage/connection';
import { StorageError } from '../../storage/errors';
import type { Context } from './context';
import type { LensActions } from './lens-actions';
import { initialSources, roomFor, type SourcesState, type SourceTab } from './sources';
import { done, failureOf, idle, isBusy } from './task';
import { untilAborted } from './task-driver';

export interface SourceActions {
  showSource(tab: SourceTab): void;
  typeModel(text: string): void;
  typeMirror(text: string): void;
  /** Sets an access token for huggingface.co: held in memory, sent there and nowhere else. Empty, or not a token: none. */
  setToken(token: string): void;
  /** Asks the host named in the form for the model's files: the first request that leaves this browser. */
  lookUpModel(): Promise<boolean>;
  cancelLookUp(): void;
  /** Chooses another variant of the looked-up model's weights, by its id. */
  chooseWeights(id: string): void;
  /** Discards the host's offer, and a link's request. */
  declineOffer(): void;
  /** Downloads an offer, or the rest of an unfinished download, and opens it. */
  download(plan: DownloadPlan): Promise<boolean>;
  cancelDownload(): void;
  /** Opens a checkpoint from the user's own files. */
  openFiles(files: readonly NamedFile[]): Promise<boolean>;
  /** Closes the opened model and frees its memory. Resolves to whether it succeeded. */
  closeOpened(): Promise<boolean>;
  /** Opens a stored checkpoint. */
  openStored(key: string): Promise<boolean>;
  /** Deletes a stored checkpoint, complete or not. */
  deleteStored(key: string): Promise<void>;
  refreshLibrary(): Promise<void>;
  /** Records that a link asks for this model; `null`: none. Nothing is fetched. */
  askForModel(text: string | null): void;
}

const labelOf = (plan: Pick<DownloadPlan, 'base' | 'id' | 'revision'>) =>
  plan.base === HUB ? writeSource(plan) : `${writeSource(plan)} from ${hostOf(plan)}`;

export function sourceActions(
  ctx: Context,
  lens: Pick<LensActions, 'openCheckpoint' | 'closeCheckpoint'>,
): SourceActions {
  const now = () => ctx.get().sources;
  const set = (change: Partial<SourcesState>) => ctx.set({ sources: { ...now(), ...change } });
  const offer = ctx.task<Offer>({ get: () => now().offer, set: (task) => set({ offer: task }) });
  const transfer = ctx.task<true>({ get: () => now().download, set: (task) => set({ download: task }) });
  const { library } = ctx.sources;
  const linkTo = (model: string | null) => {
    const { link } = ctx.get();
    if (link.model !== model) ctx.set({ link: { ...link, model } });
  };

  /** Refuses what will not fit before a byte is fetched. */
  const checkRoom = async (plan: DownloadPlan) => {
    if (library.unavailable !== null)
      throw new StorageError(
        `nothing can be stored: ${library.unavailable}`,
        'Download the files with another program and open their folder.',
      );
    await library.persist().catch(() => false);
    const room = await library.room();
    const { received, free } = roomFor(plan, await library.list(), room);
    const needed = bytesOf(plan.files) - received;
    if (free !== null && needed > free)
      throw new StorageError(
        `the download needs ${needed} bytes, and this browser has ${Math.max(0, free)} left for this site`,
        'Delete stored models, free space on the disk, or choose a smaller model.',
      );
  };

  /**
   * Describes the model before it is downloaded, or says why it cannot be opened. An engine that cannot tell
   * is no reason to refuse.
   */
  const describe = async (config: unknown) => {
    try {
      return await ctx.engine().describeConfig(config);
    } catch (thrown) {
      const error = failureOf(thrown);
      return error.code === 'config' ? error : null;
    }
  };

  const actions: SourceActions = {
    showSource(tab) {
      set({ tab, problem: null });
      if (tab === 'stored') void actions.refreshLibrary();
    },
    typeModel: (model) => set({ model, asked: null, ...(!isBusy(now().offer) && { offer: idle }) }),
    typeMirror: (mirror) => set({ mirror, ...(!isBusy(now().offer) && { offer: idle }) }),
    setToken(text) {
      ctx.hubToken.set(null);
      try {
        ctx.hubToken.set(parseToken(text));
        set({ tokenError: null });
      } catch (thrown) {
        set({ tokenError: failureOf(thrown) });
      }
      set({ hasToken: ctx.hubToken.get() !== null });
    },
    async lookUpModel() {
      if (isBusy(now().offer)) return false;
      const { tab, model, mirror } = now();
      set({ offer: idle, described: null });
      const outcome = await offer.start(async ({ signal }) => {
        const source = parseSource(model, tab === 'mirror' ? parseBase(mirror) : HUB);
        const found = await ctx.sources.lookUp(source, { signal, token: ctx.hubToken.get() });
        set({ described: await untilAborted(describe(found.inspected.config), signal) });
        return found;
      });
      if (outcome.status !== 'done') return false;
      const { plan } = outcome.value;
      set({ asked: null });
      linkTo(plan.base === HUB ? writeSource(plan) : null);
      return true;
    },
    cancelLookUp: () => offer.cancel(),
    chooseWeights(id) {
      const { value } = now().offer;
      if (value && !isBusy(now().offer)) set({ offer: done(offerOf(value.inspected, id)) });
    },
    declineOffer() {
      set({ offer: idle, asked: null });
      linkTo(null);
    },
    async download(plan) {
      if (isBusy(now().download)) return false;
      set({ plan, transfer: null, problem: null });
      const outcome = await transfer.start(async ({ signal }) => {
        // The browser may ask the user for permission to persist storage, and the user may never answer.
        await untilAborted(checkRoom(plan), signal);
        signal.throwIfAborted();
        await ctx.sources.download(plan, {
          token: ctx.hubToken.get(),
          signal,
          report: (progress) => set({ transfer: progress }),
        });
        return true;
      });
      set({ transfer: null });
      await actions.refreshLibrary();
      if (outcome.status !== 'done') return false;
      set({ offer: idle });
      return actions.openStored(keyOf(plan));
    },
    cancelDownload: () => transfer.cancel(),
    async openFiles(files) {
      if (!(await lens.openCheckpoint(files))) return false;
      // An adapter leaves open the model that it is merged into.
      if (ctx.get().lens.opened.value?.adapter?.onOpened) return true;
      set({ open: null });
      await library.use(null);
      return true;
    },
    async closeOpened() {
      if (!(await lens.closeCheckpoint())) return false;
      set({ open: null });
      await library.use(null).catch(() => {});
      return true;
    },
    async openStored(key) {
      set({ problem: null });
      const before = now().open;
      try {
        // Before its files are opened: weights are read when needed, and must not be deleted until then.
        await library.use(key);
        const { manifest, files } = await library.files(key);
        if (await lens.openCheckpoint(files.map((file) => ({ ...file, folder: manifest.id })))) {
          const report = ctx.get().lens.opened.value;
          // An adapter has been read; the weights of what it is merged into go on being read from their files.
          if (report?.adapter?.onOpened) {
            await library.use(before?.key ?? null);
            return true;
          }
          set({ open: { key, label: labelOf(manifest) } });
          // The files rarely give the model's name and licence; the host does.
          if (report)
            ctx.lens({
              opened: done({ ...report, name: manifest.id, licence: manifest.licence ?? report.licence }),
            });
          return true;
        }
      } catch (thrown) {
        set({ problem: { title: 'The stored model was not opened', error: failureOf(thrown) } });
        await actions.refreshLibrary();
      }
      await library.use(before?.key ?? null).catch(() => {});
      return false;
    },
    async deleteStored(key) {
      set({ problem: null });
      try {
        // An opened model that has gone on its own (another was opened, the engine died) needs no lock.
        if (now().open?.key === key && ctx.get().lens.opened.value === null) await library.use(null);
        await library.remove(key);
      } catch (thrown) {
        set({ problem: { title: 'The stored model was not deleted', error: failureOf(thrown) } });
      }
      await actions.refreshLibrary();
    },
    async refreshLibrary() {
      const { unavailable } = library;
      set({ unavailable });
      if (unavailable !== null) return;
      try {
        const list = await within(LIMIT, library.list());
        set({ library: list, room: await within(LIMIT, library.room()) });
      } catch (thrown) {
        set({ problem: { title: 'The stored models could not be listed', error: failureOf(thrown) } });
      }
    },
    askForModel(text) {
      if (text === null || text === now().asked) return;
      set({ ...initialSourcesOf(now()), tab: 'hub', model: text, asked: text });
    },
  };
  return actions;
}

/** The state after a link asks for another model. */
const initialSourcesOf = (state: SourcesState): SourcesState =>
  isBusy(state.offer) ? state : { ...state, offer: initialSources.offer };
