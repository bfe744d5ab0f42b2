import type { NamedFile } from '../../contract/lens';
import { type DataOffer, DataShelf, dataPlan, inspectDataSet } from '../../hub/data-files';
import { download } from '../../hub/download';
import { LIMITS } from '../../hub/request';
import { ArrivedRows, fetchRows, type HubRows } from '../../hub/rows';
import { HUB, nameOf, parseBase } from '../../hub/source';
import type { Context } from './context';
import type { DataOrigin } from './data-origin';
import { type HubDataState, type HubPlace, type HubWay, placeOf } from './hub-data';
import { idle, isBusy } from './task';

export interface HubDataActions {
  chooseHubPlace(place: HubPlace): void;
  chooseHubWay(way: HubWay): void;
  changeHubRows(change: Partial<HubRows>): void;
  /** Fetches the rows requested in the form from the host's dataset viewer, and opens them. */
  fetchHubRows(): Promise<boolean>;
  cancelFetching(): void;
  typeDataFile(change: Partial<Pick<HubDataState, 'repository' | 'file'>>): void;
  /** Asks the host named in the form for the files of the data set. */
  lookUpData(): Promise<boolean>;
  cancelDataLookUp(): void;
  /** Chooses another file of what was looked up, by its path. */
  chooseDataFile(path: string): void;
  declineData(): void;
  /** Downloads the chosen file, or the rest of it, and opens it as one of the user's own. */
  downloadData(): Promise<boolean>;
  cancelDataDownload(): void;
}

/** @param open opens files as a data set from there */
export function hubDataActions(
  ctx: Context,
  open: (files: readonly NamedFile[], origin: DataOrigin) => Promise<boolean>,
): HubDataActions {
  const now = () => ctx.get().data.hub;
  const set = (change: Partial<HubDataState>) => {
    const { data } = ctx.get();
    ctx.set({ data: { ...data, hub: { ...data.hub, ...change } } });
  };
  const fetching = ctx.task<true>({ get: () => now().fetching, set: (task) => set({ fetching: task }) });
  const offer = ctx.task<DataOffer>({ get: () => now().offer, set: (task) => set({ offer: task }) });
  const transfer = ctx.task<true>({ get: () => now().download, set: (task) => set({ download: task }) });
  /** Not in the state: what has arrived of rows and of a file, for as long as the page lives. */
  const arrived = new ArrivedRows();
  let shelf: DataShelf | null = null;

  /** @throws HubError if the mirror's address is none */
  const base = () =>
    placeOf(now(), ctx.get().sources) === 'mirror' ? parseBase(ctx.get().sources.mirror) : HUB;

  /** The shelf of a plan: the one there is, if it holds the beginning of the same file. */
  const shelfFor = (plan: DataShelf['plan']): DataShelf => {
    const keyOf = ({ base: host, id, revision, commit, files }: DataShelf['plan']) =>
      JSON.stringify([host, id, commit ?? revision, files]);
    return shelf && keyOf(shelf.plan) === keyOf(plan) ? shelf : new DataShelf(plan);
  };

  return {
    chooseHubPlace: (place) => set({ place, ...(!isBusy(now().offer) && { offer: idle }) }),
    chooseHubWay: (way) => set({ way }),
    changeHubRows: (change) => set({ rows: { ...now().rows, ...change }, arrived: 0 }),
    async fetchHubRows() {
      let file: NamedFile | null = null;
      let origin: DataOrigin | null = null;
      const outcome = await fetching.start(async ({ signal, report }) => {
        const wanted = now().rows;
        origin = { kind: 'rows', base: base(), sha256: null, ...wanted };
        const start = performance.now();
        let before: number | undefined;
        file = await fetchRows(
          wanted,
          { signal },
          {
            base: origin.base,
            arrived,
            onProgress(count, total) {
              before ??= count;
              const elapsed = performance.now() - start;
              const left = leftOf(count, before, total, elapsed);
              report({
                ...{ phase: 'rows', done: count, total, unit: 'rows', elapsed },
                ...(left !== undefined && { left }),
              });
            },
            onWait: (waiting) => set({ waiting }),
          },
        );
        return true;
      });
      set({ waiting: null, arrived: arrived.count });
      if (outcome.status !== 'done' || file === null || origin === null) return false;
      const { key } = arrived;
      if (!(await open([file], origin))) return false;
      // Not before: reading may fail, or be cancelled. Another request may have begun in the meantime.
      if (arrived.key === key && !isBusy(now().fetching)) {
        arrived.clear();
        set({ arrived: 0 });
      }
      return true;
    },
    cancelFetching: () => fetching.cancel(),
    typeDataFile: (change) => set({ ...change, ...(!isBusy(now().offer) && { offer: idle }) }),
    async lookUpData() {
      const outcome = await offer.start(({ signal }) => {
        const { repository, file } = now();
        return inspectDataSet({ repository, file }, base(), { signal, token: ctx.hubToken.get() });
      });
      if (outcome.status !== 'done') return false;
      set({ chosen: outcome.value.chosen.path });
      return true;
    },
    cancelDataLookUp: () => offer.cancel(),
    chooseDataFile: (chosen) => set({ chosen }),
    declineData: () => set({ offer: idle }),
    async downloadData() {
      const { value } = now().offer;
      if (!value) return false;
      const outcome = await transfer.start(async ({ signal }) => {
        const file = value.files.find(({ path }) => path === now().chosen) ?? value.chosen;
        shelf = shelfFor(dataPlan(value, file));
        await download(shelf.plan, shelf, {
          token: ctx.hubToken.get(),
          limits: LIMITS,
          signal,
          report: (progress) => set({ transfer: progress }),
        });
        return true;
      });
      set({ transfer: null });
      if (outcome.status !== 'done' || shelf === null) return false;
      const whole = shelf;
      if (!(await open([whole.file()], originOf(whole.plan)))) return false;
      // Not before, as for rows; and only if nothing else has been asked for in the meantime.
      if (shelf === whole) shelf = null;
      if (now().offer.value === value) set({ offer: idle });
      return true;
    },
    cancelDataDownload: () => transfer.cancel(),
  };
}

/** Milliseconds that the rest of the rows will take at the pace of those that came since `before`; undefined until there is one. */
const leftOf = (count: number, before: number, total: number, elapsed: number): number | undefined =>
  total > 0 && count > before ? (elapsed / (count - before)) * (total - count) : undefined;

const originOf = ({ base, id, revision, commit, files }: DataShelf['plan']): DataOrigin => ({
  ...{ kind: 'file', base, name: nameOf({ id }), revision, commit },
  file: files[0]?.path ?? '',
});
