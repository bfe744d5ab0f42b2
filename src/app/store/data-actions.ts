import type { RuleId } from '../../contract/answer-rules';
import {
  AS_DETECTED,
  BUNDLED_ROWS,
  type DataReading,
  type DataReport,
  type SizedRow,
  type TokenCounts,
} from '../../contract/data';
import { FIGURE_6, type NamedFile } from '../../contract/lens';
import { fetchRows, type HubRows } from '../../hub/rows';
import { type AnswerActions, answerActions } from './answer-actions';
import type { Context } from './context';
import { type DataDraft, type DataFrom, dataErrors, filterOf, PAGE_ROWS, queryOf } from './data';
import { initialAnswers } from './data-answers';
import { dataLink } from './data-link';
import type { EngineActions } from './engine-actions';
import type { LensActions } from './lens-actions';
import type { SubjectId } from './lens-draft';
import { readRange, writeRange } from './ranges';
import { done, failed, failureOf, idle, isBusy } from './task';

export interface DataActions extends AnswerActions {
  /** Reads a data set from files, in the form that is found or the one given; it replaces the one before. */
  openData(from: DataFrom, reading?: Partial<DataReading>): Promise<boolean>;
  /** The rows that come with the page. */
  openBundledRows(): Promise<boolean>;
  changeHubRows(change: Partial<HubRows>): void;
  /** Fetches the rows that are asked for from the Hub’s dataset viewer, and opens them. */
  fetchHubRows(): Promise<boolean>;
  cancelFetching(): void;
  /** Reads the same files again, otherwise. */
  changeReading(change: Partial<DataReading>): Promise<boolean>;
  cancelData(): void;
  changeData(change: Partial<DataDraft>): void;
  showRows(first: number): void;
  chooseRule(rule: RuleId | null): void;
  /** Counts the tokens of every row under the tokenizer of the model that is open. */
  countTokens(): Promise<boolean>;
  cancelCounting(): void;
  /** Makes sure that there are rows, and that the sample is one the model can read; tells what it takes. */
  prepareRows(): Promise<boolean>;
  /** Figure 6 of the sample’s rationales under the model that is open, in the Low-rank place. */
  showRowsFigure(): Promise<boolean>;
  /** The rows of the sample or of the held-out part; `null` where they could not be had. */
  drawnRows(part: 'sample' | 'held-out'): Promise<readonly SizedRow[] | null>;
}

/** Whose tokenizer reads the rows: the model opened from files, else the bundled teacher, else none. */
export const readerOf = ({ lens, pair }: ReturnType<Context['get']>): SubjectId | null =>
  lens.opened.value !== null ? 'opened' : pair.value !== null ? 'teacher' : null;

export function dataActions(ctx: Context, engine: EngineActions, lens: LensActions): DataActions {
  const now = () => ctx.get().data;
  const set = (change: Partial<ReturnType<typeof now>>) => ctx.set({ data: { ...now(), ...change } });
  const opening = ctx.task<DataReport>({ get: () => now().report, set: (report) => set({ report }) });
  const fetching = ctx.task<true>({ get: () => now().fetching, set: (next) => set({ fetching: next }) });
  const counting = ctx.task<TokenCounts>({ get: () => now().counts, set: (counts) => set({ counts }) });
  /** Of several requests for rows under way, only the last is shown. */
  let asked = 0;
  /** Of the draft before, whose tokens need no longer be counted. */
  let costing = new AbortController();

  const reader = () => {
    const id = readerOf(ctx.get());
    return id === null ? null : { kind: id as 'opened' | 'teacher' };
  };

  /** The rows and what they take, as the draft has it. */
  const refresh = async () => {
    const mine = ++asked;
    costing.abort();
    costing = new AbortController();
    const { signal } = costing;
    const { draft, first, report, page, cost } = now();
    if (!report.value || report.value.rows === 0) return set({ page: idle, cost: idle });
    if (dataErrors(draft).size > 0) return;
    try {
      const found = await ctx.engine().dataRows(queryOf(draft, first));
      if (mine === asked) set({ page: done(found) });
    } catch (thrown) {
      if (mine === asked) set({ page: failed(failureOf(thrown), page.value), cost: idle });
      return;
    }
    const subject = reader();
    if (subject === null) return set({ cost: idle });
    try {
      const { seed, samples } = draft;
      const found = await ctx
        .engine()
        .rowsCost(subject, { kind: 'rows', seed, samples, filter: filterOf(draft) }, { signal });
      if (mine === asked) set({ cost: done(found) });
    } catch (thrown) {
      if (mine === asked) set({ cost: failed(failureOf(thrown), cost.value) });
    }
  };

  const change = (next: Partial<DataDraft>) => {
    const draft = { ...now().draft, ...next };
    set({ draft, first: 0 });
    ctx.set({ link: { ...ctx.get().link, data: dataLink(draft) } });
    return refresh();
  };

  /** Reports of rows show the data set before; they stay in sight, and say so. */
  const outlive = () => {
    const { report, outlived } = ctx.get().lens;
    if (report.value?.request.source.kind === 'rows') ctx.lens({ outlived: { ...outlived, report: true } });
  };

  const drawnRows: DataActions['drawnRows'] = async (part) => {
    const { draft } = now();
    try {
      const count = part === 'sample' ? draft.samples : draft.heldOut;
      const rows: SizedRow[] = [];
      while (rows.length < count) {
        const found = await ctx.engine().dataRows(queryOf({ ...draft, part }, rows.length, 1000));
        rows.push(...found.rows);
        if (found.rows.length === 0) break;
      }
      return rows;
    } catch (thrown) {
      const { message, hint } = failureOf(thrown);
      ctx.notify('warning', `The rows were not written: ${message}. ${hint ?? ''}`);
      return null;
    }
  };
  const actions: DataActions = {
    ...answerActions(ctx, engine, drawnRows, reader),
    async openData(from, reading = {}) {
      const used = { ...AS_DETECTED, ...reading };
      const outcome = await opening.start(({ signal, report }) =>
        ctx.engine().openData(from, used, { signal, report }),
      );
      if (outcome.status !== 'done') return false;
      outlive();
      set({
        from,
        reading: used,
        first: 0,
        page: idle,
        counts: idle,
        cost: idle,
        answers: { ...initialAnswers, limit: now().answers.limit },
      });
      // Token counts are gone with the rows that they were of.
      await (now().draft.tokens === '' ? refresh() : change({ tokens: '' }));
      return true;
    },
    openBundledRows: () =>
      actions.openData({ url: `${ctx.pairUrl}${BUNDLED_ROWS.path}`, sha256: BUNDLED_ROWS.sha256 }),
    changeHubRows: (next) => set({ hub: { ...now().hub, ...next } }),
    async fetchHubRows() {
      let file: NamedFile | null = null;
      const outcome = await fetching.start(async ({ signal, report }) => {
        const start = performance.now();
        const { name, text } = await fetchRows(now().hub, { signal }, (count, total) =>
          report({ phase: 'rows', done: count, total, unit: 'rows', elapsed: performance.now() - start }),
        );
        file = { name, data: new Blob([text]) };
        return true;
      });
      return outcome.status === 'done' && file !== null && actions.openData([file]);
    },
    cancelFetching: () => fetching.cancel(),
    async changeReading(next) {
      const { from, reading } = now();
      return from !== null && actions.openData(from, { ...reading, ...next });
    },
    cancelData: () => opening.cancel(),
    changeData: (next) => void change(next),
    showRows(first) {
      set({ first: Math.max(0, first - (first % PAGE_ROWS)) });
      void refresh();
    },
    chooseRule: (rule) => set({ rule }),
    async countTokens() {
      const outcome = await counting.start(
        async ({ signal, report }) => {
          const subject = reader();
          if (subject === null)
            throw Object.assign(new Error('no model is open whose tokenizer could count'), {
              code: 'input',
              hint: 'Open a model or load the bundled pair in the Model panel.',
            });
          return ctx.engine().countTokens(subject, { signal, report });
        },
        async () => readerOf(ctx.get()) !== null || engine.loadPair(),
      );
      if (outcome.status !== 'done') return false;
      await refresh();
      return true;
    },
    cancelCounting: () => counting.cancel(),
    async prepareRows() {
      if (isBusy(now().report)) return false;
      if (!now().report.value && !(await actions.openBundledRows())) return false;
      // Counts of a tokenizer that is gone.
      const isOld = now().counts.value !== null && now().counts.value?.model !== modelName(ctx);
      if (isOld) {
        set({ counts: idle });
        await change({ tokens: '' });
      } else await refresh();
      const { report, draft } = now();
      if (report.value?.steps.least === 0 && readRange(draft.steps).range?.[0] === null)
        await change({ steps: writeRange([1, readRange(draft.steps).range?.[1] ?? null]) });
      if ((now().cost.value?.tooLong.length ?? 0) > 0 && (await actions.countTokens())) {
        const positions = now().counts.value?.positions ?? null;
        if (positions !== null)
          await change({ tokens: writeRange([readRange(draft.tokens).range?.[0] ?? null, positions]) });
      }
      return now().cost.status === 'done';
    },
    async showRowsFigure() {
      if (!(await actions.prepareRows())) return false;
      const subject = readerOf(ctx.get());
      if (subject === null) return false;
      const { samples, seed } = now().draft;
      ctx.set({ isPlaceKnown: true, link: { ...ctx.get().link, panel: 'lowrank' } });
      lens.showView('spectra');
      return lens.runLens({
        subject,
        source: 'rows',
        sections: FIGURE_6.selections[0]!.sections,
        overlay: null,
        samples,
        drawSeed: seed,
        rowsFilter: filterOf(now().draft),
        layers: 'all',
        stack: FIGURE_6.stack,
        centre: FIGURE_6.centre,
      });
    },
    drawnRows,
  };
  return actions;
}

/** The name that token counts carry. */
function modelName(ctx: Context): string | undefined {
  const { lens, pair } = ctx.get();
  return lens.opened.value?.name ?? pair.value?.models.find(({ role }) => role === 'teacher')?.name;
}
