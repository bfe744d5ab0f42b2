import type { RuleId } from '../../contract/answer-rules';
import {
  AS_DETECTED,
  DATA_PARTS,
  type DataFilter,
  type DataPage,
  type DataPart,
  type DataQuery,
  type DataReading,
  type DataReport,
  type RowsCost,
  type TokenCounts,
} from '../../contract/data';
import type { NamedFile } from '../../contract/lens';
import { type DataAnswers, initialAnswers } from './data-answers';
import type { AskedData, DataOrigin } from './data-origin';
import { type History, noHistory, remember } from './history';
import { type HubDataState, initialHubData } from './hub-data';
import { MAX_SAMPLES } from './lens-draft';
import { rangeWords, readRange } from './ranges';
import { idle, type Task } from './task';
import { SEEDS, type WholeRange, wholeErrors } from './whole';

/** The page's state of the data set. */

/** The user's files, or the ones bundled with the page. */
export type DataFrom = readonly NamedFile[] | { readonly url: string; readonly sha256: string };

/** Which rows are shown and drawn; ranges as typed. */
export interface DataDraft {
  readonly part: DataPart;
  readonly samples: number;
  readonly heldOut: number;
  readonly seed: number;
  readonly steps: string;
  readonly words: string;
  readonly tokens: string;
}

export const initialDataDraft: DataDraft = {
  part: 'all',
  samples: 16,
  heldOut: 0,
  seed: 1,
  steps: '',
  words: '',
  tokens: '',
};

/** What Undo brings back: which part is shown is a view. */
export interface DataChoices {
  readonly draft: Omit<DataDraft, 'part'>;
  readonly reading: DataReading;
  readonly rule: RuleId | null;
}

export const choicesOf = ({
  draft: { part: _, ...draft },
  reading,
  rule,
}: Pick<DataState, 'draft' | 'reading' | 'rule'>): DataChoices => ({ draft, reading, rule });

export const isSameReading = (one: DataReading, other: DataReading): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** The field that a change types into; `null` if it is another kind of change. */
export function typedField(change: Partial<DataDraft>): string | null {
  const [field = null, ...others] = Object.keys(change);
  return others.length === 0 ? field : null;
}

/** The history after a change of what Undo brings back. @param field what is typed into, or null */
export function remembered(
  now: DataState,
  before: Pick<DataState, 'draft' | 'reading' | 'rule'>,
  field: string | null,
): History<DataChoices> {
  const choices = choicesOf(before);
  return JSON.stringify(choicesOf(now)) === JSON.stringify(choices) ? now : remember(now, choices, field);
}

export interface DataState extends History<DataChoices> {
  /** What the data set is read from; kept when the engine dies, so that it can be read again. */
  readonly from: DataFrom | null;
  /** Where it came from, if a link can lead there. */
  readonly origin: DataOrigin | null;
  /** What a link asks for and is not here yet. */
  readonly asked: AskedData | null;
  readonly reading: DataReading;
  readonly report: Task<DataReport>;
  /** What is asked of the Hub or a mirror. */
  readonly hub: HubDataState;
  readonly draft: DataDraft;
  /** Index of the first row shown. */
  readonly first: number;
  readonly page: Task<DataPage>;
  readonly counts: Task<TokenCounts>;
  /** The cost of computing the sample's hidden states. */
  readonly cost: Task<RowsCost>;
  /** The rule that answers are marked by; null for the set's own. */
  readonly rule: RuleId | null;
  readonly answers: DataAnswers;
}

export const initialData: DataState = {
  from: null,
  origin: null,
  asked: null,
  ...noHistory,
  reading: AS_DETECTED,
  report: idle,
  hub: initialHubData,
  draft: initialDataDraft,
  first: 0,
  page: idle,
  counts: idle,
  cost: idle,
  rule: null,
  answers: initialAnswers,
};

/** What stays when the engine dies: what the user asked for. */
export const dataWithoutEngine = (data: DataState): DataState => ({
  ...data,
  report: idle,
  first: 0,
  page: idle,
  counts: idle,
  cost: idle,
  // Finished answers stay visible.
  answers: { ...data.answers, task: idle },
});

/** Rows shown at a time. */
export const PAGE_ROWS = 10;
/** Rows of a sample: as many as LoRi's figure 5 trains on. */
export const MAX_SAMPLED = 1024;

/** Numbers of a draw. */
export const DRAW_RANGES = {
  samples: [1, MAX_SAMPLED],
  heldOut: [0, 1_000_000],
  seed: SEEDS,
} as const satisfies Partial<Record<keyof DataDraft, WholeRange>>;

/** What is wrong with the draft, by field; empty if nothing is. */
export function dataErrors(draft: DataDraft): ReadonlyMap<keyof DataDraft, string> {
  const errors = wholeErrors(draft, DRAW_RANGES);
  for (const field of ['steps', 'words', 'tokens'] as const) {
    const { error } = readRange(draft[field]);
    if (error !== null) errors.set(field, error);
  }
  return errors;
}

/** Rows of a part as a button names them: `2 sampled rows`; without the number while that is not valid. */
export function drawnWords(draft: DataDraft, part: 'sample' | 'held-out'): string {
  const [field, name] =
    part === 'sample' ? (['samples', 'sampled'] as const) : (['heldOut', 'held-out'] as const);
  if (dataErrors(draft).has(field)) return `${name} rows`;
  return `${draft[field]} ${name} ${draft[field] === 1 ? 'row' : 'rows'}`;
}

/** How many of the sample's rows, from its first, figure 6 is made of: Low-rank takes no more. */
export const figureRows = ({ samples }: Pick<DataDraft, 'samples'>): number => Math.min(samples, MAX_SAMPLES);

/** Rationales of the sample as a button names them, likewise. @param of `GSM8K`, or nothing */
export function rationaleWords(draft: DataDraft, of: string): string {
  const isValid = !dataErrors(draft).has('samples');
  const noun = isValid && draft.samples === 1 ? 'rationale' : 'rationales';
  const taken = figureRows(draft);
  const many = taken < draft.samples ? `the first ${taken} of ${draft.samples}` : `${draft.samples}`;
  return [isValid ? many : '', of, noun].filter((word) => word !== '').join(' ');
}

const NO_RANGE = [null, null] as const;

/** The filter of a draft; a range that cannot be read limits nothing. */
export const filterOf = ({ steps, words, tokens }: DataDraft): DataFilter => ({
  steps: readRange(steps).range ?? NO_RANGE,
  words: readRange(words).range ?? NO_RANGE,
  tokens: readRange(tokens).range ?? NO_RANGE,
});

export const queryOf = (draft: DataDraft, from: number, count = PAGE_ROWS): DataQuery => ({
  part: DATA_PARTS.includes(draft.part) ? draft.part : 'all',
  filter: filterOf(draft),
  draw: { seed: draft.seed, samples: draft.samples, heldOut: draft.heldOut },
  from,
  count,
});

/** A filter in words: `at least 1 step, at most 512 tokens`; `null` if it passes every row. */
export function filterWords({ steps, words, tokens }: DataFilter): string | null {
  const parts = [rangeWords(steps, 'steps'), rangeWords(words, 'words'), rangeWords(tokens, 'tokens')];
  const said = parts.filter((part) => part !== null);
  return said.length === 0 ? null : said.join(', ');
}

/**
 * Fits a draft to a data set: reduces a draw of more rows than it has and, if another set was open before,
 * clears ranges that contain none of its rows. @returns the change, and notes about it for the user
 */
export function fittedDraft(
  draft: DataDraft,
  report: DataReport,
  isAnother: boolean,
): { readonly change: Partial<DataDraft>; readonly notes: string[] } {
  const { name, rows } = report;
  if (rows === 0) return { change: {}, notes: [] };
  const notes: string[] = [];
  let change: Partial<DataDraft> = {};
  if (draft.samples > rows) {
    change = { samples: rows };
    notes.push(`${name} has ${rows} ${rows === 1 ? 'row' : 'rows'}: the sample is all of them.`);
  }
  for (const field of isAnother ? (['steps', 'words'] as const) : []) {
    const [low, high] = readRange(draft[field]).range ?? NO_RANGE;
    const { least, most } = report[field];
    if ((low ?? least) <= most && (high ?? most) >= least) continue;
    change = { ...change, [field]: '' };
    notes.push(`${name} has no row with ${rangeWords([low, high], field)}: that filter is cleared.`);
  }
  return { change, notes };
}
