import type { RuleId } from './answer-rules';

/** Data sets as the page and the engine speak of them: which forms are read, what was found, which rows are asked for. */

export const DATA_FORMATS = [
  'gsm8k',
  'icot',
  'coconut',
  'cot',
  'svamp',
  'gsm-hard',
  'multiarith',
  'prosqa',
  'commonsenseqa',
  'columns',
] as const;
export type DataFormat = (typeof DATA_FORMATS)[number];

export interface FormatText {
  readonly label: string;
  /** What a row looks like. */
  readonly about: string;
  /** The rule its published figures are made with. */
  readonly rule: RuleId;
  /** Licence of the published set, with the place that says so; null where there is none to name. */
  readonly licence: string | null;
}

export const FORMAT_TEXTS: Readonly<Record<DataFormat, FormatText>> = {
  gsm8k: {
    label: 'GSM8K',
    about: '{question, answer}; the answer is a solution, one step per line, that ends in “#### 72”',
    rule: 'gsm8k',
    licence: 'MIT (openai/grade-school-math)',
  },
  icot: {
    label: 'GSM8K-Aug, text lines of implicit CoT',
    about: 'question||<<48/2=24>> <<48+24=72>> #### 72',
    rule: 'last-number',
    licence: null,
  },
  coconut: {
    label: 'GSM8K-Aug, JSON of Coconut',
    about: '{question, steps: ["<<48/2=24>>", …], answer}',
    rule: 'coconut',
    licence: null,
  },
  cot: {
    label: 'Question, chain of thought, answer',
    about: '{question, cot, answer}, as CODI’s data sets have it',
    rule: 'last-number',
    licence: null,
  },
  svamp: {
    label: 'SVAMP',
    about: '{Body, Question, Equation, Answer}',
    rule: 'last-number',
    licence: 'MIT (arkilpatel/SVAMP)',
  },
  'gsm-hard': {
    label: 'GSM-Hard',
    about: '{input, code, target}; the rationale is the program',
    rule: 'gsm-hard',
    licence: 'MIT (reasoning-machines/gsm-hard)',
  },
  multiarith: {
    label: 'MultiArith',
    about: '{sQuestion, lEquations, lSolutions}, or {question, final_ans}',
    rule: 'last-number',
    licence: null,
  },
  prosqa: {
    label: 'ProsQA',
    about: '{question, steps: ["Tom is a terpus.", …], answer: "Tom is a lempus."}',
    rule: 'coconut',
    licence: 'MIT (facebookresearch/coconut)',
  },
  commonsenseqa: {
    label: 'CommonsenseQA',
    about: '{question, choices: {label, text}, answerKey}, or the nested form of its own site',
    rule: 'letter',
    licence: 'MIT (tau/commonsense_qa)',
  },
  columns: {
    label: 'Columns of your choice',
    about: 'JSON, JSON lines, CSV or TSV; you choose the columns',
    rule: 'last-number',
    licence: null,
  },
};

/** Which column holds what. */
export interface ColumnMapping {
  readonly question: string;
  readonly answer: string;
  /** Absent if there is no rationale. */
  readonly rationale?: string | undefined;
}

/** How files are to be read. */
export interface DataReading {
  /** `null`: by content. */
  readonly format: DataFormat | null;
  /** For `columns`; `null`: by the columns' names. */
  readonly columns: ColumnMapping | null;
  /** Whether calculator annotations <<48/2=24>> stay in GSM8K's solutions. */
  readonly annotations: 'keep' | 'remove';
}

export const AS_DETECTED: DataReading = { format: null, columns: null, annotations: 'keep' };

/** A row as it is looked at. What a model is fed is question, rationale and answer, see `rowText`. */
export interface DataRow {
  /** `row-17`, its place in the file from 1, malformed rows counted; `2:row-17` in the second of several files. */
  readonly id: string;
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
  readonly question: string;
  /** Without the answer; empty if the set has none. */
  readonly rationale: string;
  readonly steps: readonly string[];
  readonly answer: string;
  /** The text of the file in which the answer was found: GSM8K's whole solution, otherwise the answer itself. */
  readonly reference: string;
}

/**
 * A row as the page writes it to a file, one a line, where the fields of its form would not say all of it: the last two say how it
 * was read, and are followed when it is read again.
 */
export interface WrittenRow extends Omit<DataRow, 'line'> {
  readonly read_as: DataFormat;
  readonly answer_rule: RuleId;
}

/** What introduces the answer unless a run says otherwise. */
export const ANSWER_PROMPT = 'The answer is:';

/** The parts of a row as plain text, in the order they are fed; each is tokenized by itself. */
export const rowText = ({
  question,
  rationale,
  answer,
}: Pick<DataRow, 'question' | 'rationale' | 'answer'>) => ({
  question: `${question}\n`,
  rationale: rationale === '' ? '' : `${rationale}\n`,
  answer: `${ANSWER_PROMPT} ${answer}`,
});

export interface MalformedRow {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

/** A row whose question an earlier row has already. */
export interface DuplicateRow {
  readonly id: string;
  readonly line: number;
  readonly of: string;
  readonly sameAnswer: boolean;
}

/** What was loaded. */
export interface DataReport {
  readonly name: string;
  readonly bytes: number;
  /** Of the files' bytes, one file after another. */
  readonly sha256: string;
  /** How rows are written: `JSON lines`, `a JSON list`, `CSV`, … */
  readonly layout: string;
  readonly encoding: string;
  /** The form it was read in, and the one found by content (null if none was). */
  readonly format: DataFormat;
  readonly detected: DataFormat | null;
  /** What the detection rests on. */
  readonly why: string;
  /** Names of the fields or columns found, for a mapping; none for text lines. */
  readonly columns: readonly string[];
  /** The mapping in use; null where the format has none, or none could be guessed. */
  readonly mapping: ColumnMapping | null;
  readonly rule: RuleId;
  /** Of the published set in this form, which these files may not be. */
  readonly licence: string | null;
  /** Rows with different questions. */
  readonly rows: number;
  readonly malformed: number;
  /** The first of them. */
  readonly malformedRows: readonly MalformedRow[];
  readonly duplicates: number;
  readonly duplicateRows: readonly DuplicateRow[];
  /** Least, median and largest number of steps, and of words of question and rationale. */
  readonly steps: Spread;
  readonly words: Spread;
  /** One sentence each: what is unusual about the files. */
  readonly notes: readonly string[];
}

export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** Least and largest value, both included; null for no limit. */
export type Range = readonly [low: number | null, high: number | null];

/** Which rows are drawn from: words are those of question and rationale, tokens all that is fed. */
export interface DataFilter {
  readonly steps: Range;
  readonly words: Range;
  /** Needs the tokens to have been counted. */
  readonly tokens: Range;
}

export const NO_LIMIT: Range = [null, null];
export const NO_FILTER: DataFilter = { steps: NO_LIMIT, words: NO_LIMIT, tokens: NO_LIMIT };

/**
 * Which rows are drawn: the seed orders all rows; the sample is the first `samples` that pass the filter, the held-out
 * rows the last ones. So neither changes with the other's size.
 */
export interface DataDraw {
  readonly seed: number;
  readonly samples: number;
  readonly heldOut: number;
}

export const DATA_PARTS = ['all', 'sample', 'held-out'] as const;
export type DataPart = (typeof DATA_PARTS)[number];

export interface DataQuery {
  readonly part: DataPart;
  readonly filter: DataFilter;
  readonly draw: DataDraw;
  /** Rows from this one on, and how many. */
  readonly from: number;
  readonly count: number;
}

/** A row with its length. */
export interface SizedRow extends DataRow {
  readonly words: number;
  /** As fed; null until they are counted. */
  readonly tokens: number | null;
}

export interface DataPage {
  readonly rows: readonly SizedRow[];
  /** Rows of the part. */
  readonly total: number;
  /** Rows that pass the filter. */
  readonly passing: number;
}

/** Token counts of all rows under one model's tokenizer. */
export interface TokenCounts {
  /** Name of the model. */
  readonly model: string;
  /** Tokens of question, rationale and answer as fed, over rows. */
  readonly all: Spread;
  readonly rationale: Spread;
  /** Positions the model has; null if its files do not say. */
  readonly positions: number | null;
  /** Rows longer than that. They are never cut: a request with one of them is refused. */
  readonly tooLong: number;
  /** Ids of the first of them. */
  readonly tooLongRows: readonly string[];
}

/** What the hidden states of drawn rows take, before anything is run. */
export interface RowsCost {
  readonly rows: number;
  /** Tokens fed up to the end of the rationale, and those of the rationale alone. */
  readonly fed: number;
  readonly rationale: number;
  /** The longest row as fed, whose length the program is made for. */
  readonly longest: number;
  /** Rows of that length that are read at once. */
  readonly sequences: number;
  /** Hidden states of the rationale in all layers, as 32-bit floats. */
  readonly bytes: number;
  /** Ids of drawn rows that are longer than the model's positions. */
  readonly tooLong: readonly string[];
}

/** Bytes of all files of a data set together: their text and rows are held in memory, about three times as much. */
export const MAX_DATA_BYTES = 256 * 2 ** 20;

/** The rows that come with the page, below the folder of the bundled models (written by scripts/tools/gsm8k-rows.ts). */
export const BUNDLED_ROWS = {
  label: 'GSM8K, 128 rows of the train split',
  path: 'data/gsm8k-train-128.jsonl',
  licencePath: 'data/LICENSE.gsm8k',
  rows: 128,
  /** They are the sample that this seed draws from the first 1,024 rows. */
  seed: 1,
  bytes: 71_370,
  sha256: 'b9383079905e3992adb19b3eaf34e75d9974663d111c183528aa7bd3d93faf9a',
} as const;

/** A set’s licence in words. An own file may have a published set’s form: whose licence it is is known by the hash alone. */
export function licenceWords({ licence, sha256 }: Pick<DataReport, 'licence' | 'sha256'>): string {
  if (licence === null) return 'not known';
  return sha256 === BUNDLED_ROWS.sha256 ? licence : `of the published set in this form: ${licence}`;
}
