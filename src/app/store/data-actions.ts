import type { RuleId } from '../../contract/answer-rules';
import {
  AS_DETECTED,
  BUNDLED_ROWS,
  type DataReading,
  type DataReport,
  type SizedRow,
  type TokenCounts,
} from '../../contract/data';
import { type AnswerActions, answerActions } from './answer-actions';
import type { Context } from './context';
import {
  choicesOf,
  type DataDraft,
  type DataFrom,
  dataErrors,
  figureRows,
  filterOf,
  fittedDraft,
  initialData,
  isSameReading,
  PAGE_ROWS,
  queryOf,
  remembered,
  typedField,
} from './data';
import { initialAnswers } from './data-answers';
import { type DataLink, dataLink, followDataLink, limitOfLink } from './data-link';
import {
  changedNote,
  type DataOrigin,
  filledHub,
  identified,
  isChanged,
  isHere,
  isLinked,
  meant,
} from './data-origin';
import { askedOf, setIn } from './data-set-link';
import type { EngineActions } from './engine-actions';
import { noHistory, stepped } from './history';
import { type HubDataActions, hubDataActions } from './hub-data-actions';
import { latestOnly } from './latest';
import type { LensActions } from './lens-actions';
import type { SubjectId } from './lens-draft';
import { type RowsFigureActions, rowsFigureActions } from './rows-figure-actions';
import { done, failed, failureOf, idle, isBusy, sentencesOf } from './task';

export interface DataActions extends AnswerActions, RowsFigureActions, HubDataActions {
  /** Reads a data set from files, in the detected or the given format; it replaces the previous one. `origin`: where others find it. */
  openData(from: DataFrom, reading?: Partial<DataReading>, origin?: DataOrigin | null): Promise<boolean>;
  /** Shows what a link asks for, of what is here. What is elsewhere is named, and filled into the form that fetches it. */
  followData(link: DataLink): Promise<void>;
  /** Asks for the set that a link of another place names; the draw stays as it is, and the rule, unless it is another set. */
  followSet(link: DataLink): Promise<void>;
  /** Opens the bundled rows if the page's link asks for them. */
  openAsked(): Promise<void>;
  /** Drops a link's request for a set. */
  declineAsked(): void;
  /** Opens the rows bundled with the page. */
  openBundledRows(): Promise<boolean>;
  /** Reads the same files again in another way. */
  changeReading(change: Partial<DataReading>): Promise<boolean>;
  cancelData(): void;
  changeData(change: Partial<DataDraft>): void;
  showRows(first: number): void;
  chooseRule(rule: RuleId | null): void;
  /** Take back the last change of draw, reading or rule, and make it again. The files are read again where that takes it. */
  undoData(): Promise<boolean>;
  redoData(): Promise<boolean>;
  /** Counts the tokens of every row with the open model's tokenizer. */
  countTokens(): Promise<boolean>;
  cancelCounting(): void;
  /** The rows of the sample or of the held-out part, for writing to a file; `null`, with a notice, if they cannot be read. */
  drawnRows(part: 'sample' | 'held-out'): Promise<readonly SizedRow[] | null>;
}

/** Whose tokenizer reads the rows: the model opened from files, else the bundled teacher, else none. */
export const readerOf = ({ lens, pair }: ReturnType<Context['get']>): SubjectId | null =>
  lens.opened.value !== null ? 'opened' : pair.value !== null ? 'teacher' : null;

const SETLESS_ROWS =
  'The link names no data set, because its rows are of files of one’s own or of a mirror: the rows here are those of the set that is open. Open the same files in Data to see the same figure.';

const uncountedNote = ({ name }: DataReport): string =>
  `The tokens of ${name} are not counted: the filter on them is cleared.`;

export function dataActions(ctx: Context, engine: EngineActions, lens: LensActions): DataActions {
  const now = () => ctx.get().data;
  const set = (change: Partial<ReturnType<typeof now>>) => ctx.set({ data: { ...now(), ...change } });
  const opening = ctx.task<DataReport>({ get: () => now().report, set: (report) => set({ report }) });
  const counting = ctx.task<TokenCounts>({ get: () => now().counts, set: (counts) => set({ counts }) });
  /** Of concurrent requests for rows, only the last is shown, and token counts for the earlier ones are dropped. */
  const asking = latestOnly();

  const reader = () => {
    const id = readerOf(ctx.get());
    return id === null ? null : { kind: id as 'opened' | 'teacher' };
  };

  /** Fetches the rows that the draft selects, and their cost. */
  const refresh = async () => {
    const signal = asking();
    const { draft, first, report, page, cost } = now();
    if (!report.value || report.value.rows === 0) return set({ page: idle, cost: idle });
    if (dataErrors(draft).size > 0) return;
    try {
      const found = await ctx.engine().dataRows(queryOf(draft, first));
      if (!signal.aborted) set({ page: done(found) });
    } catch (thrown) {
      if (!signal.aborted) set({ page: failed(failureOf(thrown), page.value), cost: idle });
      return;
    }
    if (signal.aborted) return;
    const subject = reader();
    if (subject === null) return set({ cost: idle });
    try {
      const { seed } = draft;
      const samples = figureRows(draft);
      const found = await ctx
        .engine()
        .rowsCost(subject, { kind: 'rows', seed, samples, filter: filterOf(draft) }, { signal });
      if (!signal.aborted) set({ cost: done(found) });
    } catch (thrown) {
      if (!signal.aborted) set({ cost: failed(failureOf(thrown), cost.value) });
    }
  };

  const publish = () => ctx.set({ link: { ...ctx.get().link, data: dataLink(now()) } });
  const change = (next: Partial<DataDraft>) => {
    set({ draft: { ...now().draft, ...next }, first: 0 });
    publish();
    return refresh();
  };
  /** The same as a step that can be undone. */
  const edit = (next: Partial<DataDraft>) => {
    const before = now();
    set({ draft: { ...before.draft, ...next } });
    set(remembered(now(), before, typedField(next)));
    return change({});
  };

  /** A report on rows now shows the previous data set: it stays visible, marked as outlived. */
  const outlive = () => {
    const { report, outlived } = ctx.get().lens;
    if (report.value?.request.source.kind === 'rows') ctx.lens({ outlived: { ...outlived, report: true } });
  };

  /** All rows that the draft selects for a part. @throws what the engine does, or the signal's reason */
  const rowsOf = async (part: 'sample' | 'held-out', signal?: AbortSignal) => {
    const { draft } = now();
    const count = part === 'sample' ? draft.samples : draft.heldOut;
    const rows: SizedRow[] = [];
    while (rows.length < count) {
      const found = await ctx.engine().dataRows(queryOf({ ...draft, part }, rows.length, 1000));
      signal?.throwIfAborted();
      rows.push(...found.rows);
      if (found.rows.length === 0) break;
    }
    return rows;
  };

  /** Reads files: what was known of the rows before is gone, and the draw is as it was. */
  const read = async (from: DataFrom, reading: DataReading, origin: DataOrigin | null) => {
    const outcome = await opening.start(({ signal, report }) =>
      ctx.engine().openData(from, reading, { signal, report }),
    );
    if (outcome.status !== 'done') return null;
    outlive();
    set({
      ...{ from, reading, origin: identified(origin, outcome.value), first: 0 },
      ...{ page: idle, counts: idle, cost: idle },
      answers: { ...initialAnswers, limit: now().answers.limit },
    });
    return outcome.value;
  };

  const step = async (way: 'undo' | 'redo') => {
    const { report, from, reading, origin, past, future } = now();
    const found = stepped(way, { past, future, touched: null }, choicesOf(now()));
    if (found === null || from === null || isBusy(report)) return false;
    const { draft, ...choices } = found.settings;
    const isRead = !isSameReading(choices.reading, reading);
    if (isRead) {
      // A reading that fails is said, and nothing is undone.
      const made = await read(from, choices.reading, origin);
      if (made === null) return false;
      // The token counts are gone with it.
      if (draft.tokens !== '') ctx.notify('info', uncountedNote(made));
    }
    set({
      ...{ ...found.history, ...choices, first: 0 },
      draft: { ...now().draft, ...draft, ...(isRead && { tokens: '' }) },
    });
    publish();
    await refresh();
    return true;
  };

  const actions: DataActions = {
    ...answerActions(ctx, engine, rowsOf, reader),
    ...hubDataActions(ctx, (files, origin) => actions.openData(files, {}, origin)),
    async openData(from, reading = {}, origin = null) {
      const before = now();
      const isSame = from === before.from;
      const asked = isSame ? null : meant(before.asked, origin);
      const isAnother = before.report.value !== null;
      const report = await read(from, { ...AS_DETECTED, ...asked?.reading, ...reading }, origin);
      if (report === null) return false;
      // A rule is chosen for one set; the same files read in another way are still that set.
      if (isSame) set(remembered(now(), before, null));
      else set({ ...noHistory, asked: null, rule: asked?.rule ?? null });
      const { change: fitting, notes } = fittedDraft(now().draft, report, isAnother);
      // What a link asks for stands until the tokens are counted: the rows are refused until then.
      const isUncounted = before.from !== null && asked === null && now().draft.tokens !== '';
      if (isUncounted) notes.push(uncountedNote(report));
      if (asked && isChanged(asked.origin, now().origin)) notes.push(changedNote(report));
      for (const note of notes) ctx.notify('info', note);
      await change({ ...fitting, ...(isUncounted && { tokens: '' }) });
      return true;
    },
    async followData(link) {
      const asked = askedOf(link);
      const { from, origin, reading } = now();
      const isOpen =
        from !== null && (asked === null || asked.origin === null || isHere(asked.origin, origin));
      set({
        ...{ ...noHistory, draft: followDataLink(link), first: 0, asked: isOpen ? null : asked },
        answers: { ...now().answers, limit: limitOfLink(link) },
        ...(isOpen ? { rule: asked?.rule ?? null } : { hub: filledHub(now().hub, asked?.origin ?? null) }),
      });
      const wanted = asked?.reading ?? AS_DETECTED;
      if (isOpen && !isSameReading(wanted, reading)) await read(from, wanted, origin);
      if (!isOpen && asked?.origin?.kind === 'bundled') {
        await actions.openBundledRows();
        return;
      }
      const report = isOpen ? now().report.value : null;
      const { change: fitting, notes } = report
        ? fittedDraft(now().draft, report, false)
        : { change: {}, notes: [] };
      for (const note of notes) ctx.notify('info', note);
      await change(fitting);
    },
    async followSet(link) {
      const asked = askedOf(setIn(link));
      const { origin, reading } = now();
      if (asked?.origin == null) {
        if (isLinked(origin)) ctx.notify('info', SETLESS_ROWS);
        return;
      }
      if (isHere(asked.origin, origin) && isSameReading(asked.reading, reading)) return;
      const draw = dataLink({ ...initialData, draft: now().draft, answers: now().answers });
      await actions.followData({ ...draw, ...setIn(link) });
    },
    async openAsked() {
      if (now().asked?.origin?.kind === 'bundled') await actions.openBundledRows();
    },
    declineAsked() {
      set({ asked: null });
      publish();
    },
    openBundledRows: () =>
      actions.openData(
        { url: `${ctx.pairUrl}${BUNDLED_ROWS.path}`, sha256: BUNDLED_ROWS.sha256 },
        {},
        { kind: 'bundled' },
      ),
    async changeReading(next) {
      const { from, reading, origin } = now();
      return from !== null && actions.openData(from, { ...reading, ...next }, origin);
    },
    cancelData: () => opening.cancel(),
    changeData: (next) => void edit(next),
    showRows(first) {
      set({ first: Math.max(0, first - (first % PAGE_ROWS)) });
      void refresh();
    },
    chooseRule(rule) {
      const before = now();
      set({ rule });
      set(remembered(now(), before, null));
      publish();
    },
    undoData: () => step('undo'),
    redoData: () => step('redo'),
    async countTokens() {
      const outcome = await counting.start(
        async ({ signal, report }) => {
          const subject = reader();
          if (subject === null)
            throw Object.assign(new Error('no open model has a tokenizer to count with'), {
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
    ...rowsFigureActions(ctx, lens, edit, refresh, () => readerOf(ctx.get()), {
      openBundledRows: () => actions.openBundledRows(),
      countTokens: () => actions.countTokens(),
    }),
    async drawnRows(part) {
      try {
        return await rowsOf(part);
      } catch (thrown) {
        ctx.notify('warning', `The rows were not written: ${sentencesOf(thrown)}`);
        return null;
      }
    },
  };
  return actions;
}
