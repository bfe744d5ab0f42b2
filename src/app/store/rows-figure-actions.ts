import { FIGURE_6 } from '../../contract/lens';
import type { Context } from './context';
import { type DataDraft, figureRows, filterOf } from './data';
import type { LensActions } from './lens-actions';
import type { SubjectId } from './lens-draft';
import { readRange, writeRange } from './ranges';
import { idle, isBusy } from './task';

export interface RowsFigureActions {
  /**
   * Makes sure that there are rows, and estimates the cost of the sample. Filter and sample do not change.
   */
  prepareRows(): Promise<boolean>;
  /**
   * Shows figure 6 of the sample’s rationales under the open model, in the Low-rank place. The filter
   * excludes rows that the model cannot read, so that others are drawn instead.
   */
  showRowsFigure(): Promise<boolean>;
}

export function rowsFigureActions(
  ctx: Context,
  lens: LensActions,
  change: (next: Partial<DataDraft>) => Promise<void>,
  refresh: () => Promise<void>,
  reader: () => SubjectId | null,
  {
    openBundledRows,
    countTokens,
  }: Readonly<Record<'openBundledRows' | 'countTokens', () => Promise<boolean>>>,
): RowsFigureActions {
  const now = () => ctx.get().data;

  const prepareRows = async () => {
    if (isBusy(now().report)) return false;
    if (now().report.value) await refresh();
    else if (!(await openBundledRows())) return false;
    return now().cost.status === 'done';
  };

  /** Narrows the filter to rows with a rationale that the model can read. */
  const fitRows = async () => {
    // A filter that came with a link refers to counts that have not been made here.
    if (now().draft.tokens !== '' && now().counts.value === null) await countTokens();
    const { report, draft, counts } = now();
    // The counts are from a tokenizer that is gone.
    if (counts.value !== null && counts.value.model !== modelName(ctx)) {
      ctx.set({ data: { ...now(), counts: idle } });
      await change({ tokens: '' });
    }
    if (report.value?.steps.least === 0 && readRange(draft.steps).range?.[0] === null)
      await change({ steps: writeRange([1, readRange(draft.steps).range?.[1] ?? null]) });
    if ((now().cost.value?.tooLong.length ?? 0) > 0 && (await countTokens())) {
      const positions = now().counts.value?.positions ?? null;
      if (positions !== null)
        await change({ tokens: writeRange([readRange(now().draft.tokens).range?.[0] ?? null, positions]) });
    }
  };

  return {
    prepareRows,
    async showRowsFigure() {
      await prepareRows();
      if (!now().report.value || isBusy(now().report)) return false;
      await fitRows();
      const subject = reader();
      if (subject === null || now().cost.status !== 'done') return false;
      const { seed } = now().draft;
      ctx.set({ isPlaceKnown: true, link: { ...ctx.get().link, panel: 'lowrank' } });
      lens.showView('spectra');
      return lens.runLens({
        subject,
        source: 'rows',
        sections: FIGURE_6.selections[0]!.sections,
        overlay: null,
        // A larger sample begins with the same rows.
        samples: figureRows(now().draft),
        drawSeed: seed,
        rowsFilter: filterOf(now().draft),
        layers: 'all',
        span: 'all',
        stack: FIGURE_6.stack,
        centre: FIGURE_6.centre,
      });
    },
  };
}

/** The name that token counts carry. */
function modelName(ctx: Context): string | undefined {
  const { lens, pair } = ctx.get();
  return lens.opened.value?.name ?? pair.value?.models.find(({ role }) => role === 'teacher')?.name;
}
