import { markAnswer } from '../../../contract/answer-rules';
import type { ColumnMapping, DataFormat, DataReading } from '../../../contract/data';
import { quote } from '../../../text/quote';
import {
  CALCULATION,
  has,
  linesOf,
  Malformed,
  optional,
  type RowContent,
  stepsOf,
  text,
  texts,
} from './fields';
import { type Fields, ICOT, LINE } from './raw';
import { writtenFormat } from './written';

interface Format {
  /** Fields that every row has. */
  readonly fields: readonly string[];
  /** What else is true of a record with these fields. */
  readonly is?: (fields: Fields) => boolean;
  /** What the detection rests on. */
  readonly why: string;
  /** Fields that are read where a row has them, beside `fields`. */
  readonly alsoReads?: readonly string[];
  /** @throws Malformed */
  row(fields: Fields, reading: DataReading): RowContent;
}

const plain = (question: string, steps: readonly string[], answer: string): RowContent => ({
  question,
  rationale: steps.join(' '),
  steps,
  answer,
  reference: answer,
});

const SIGN = '####';

/** A row whose steps have a field of their own. Its answer may stand behind GSM8K’s sign, as CODI’s GSM8K-Aug has it. */
function withSteps(fields: Fields, rationale: string, steps: readonly string[]): RowContent {
  const reference = text(fields, 'answer');
  const at = reference.lastIndexOf(SIGN);
  const answer = at < 0 ? reference : reference.slice(at + SIGN.length).trim();
  if (answer === '') throw new Malformed(`nothing stands behind ${SIGN}`);
  return { question: text(fields, 'question'), rationale, steps, answer, reference };
}

const gsm8k: Format = {
  why: 'question and answer, and answers hold “#### ” and a number',
  fields: ['question', 'answer'],
  is: ({ answer }) => typeof answer === 'string' && answer.includes(SIGN),
  row(fields, { annotations }) {
    const reference = text(fields, 'answer');
    const mark = markAnswer('gsm8k', reference);
    if (mark === null) throw new Malformed('the answer has no “#### ” with a number behind it');
    const solution = reference.slice(0, reference.indexOf(SIGN)).trim();
    const rationale = annotations === 'keep' ? solution : solution.replaceAll(CALCULATION, '');
    return {
      question: text(fields, 'question'),
      rationale,
      steps: linesOf(rationale),
      answer: mark.value,
      reference,
    };
  },
};

const icot: Format = {
  why: 'lines of the form question||steps #### answer',
  fields: [],
  alsoReads: [LINE],
  is: (fields) => has(fields, LINE) && Object.keys(fields).length === 1,
  row(fields) {
    const [, question = '', rationale = '', answer = ''] =
      ICOT.exec(text(fields, LINE)) ??
      (() => {
        throw new Malformed('not of the form question||steps #### answer');
      })();
    if (question.trim() === '') throw new Malformed('the question is empty');
    if (answer.trim() === '') throw new Malformed('nothing stands behind ####');
    const steps = rationale.trim();
    return {
      question: question.trim(),
      rationale: steps,
      steps: steps === '' ? [] : stepsOf(steps),
      answer: answer.trim(),
      reference: answer.trim(),
    };
  },
};

const isCalculation = (fields: Fields): boolean =>
  Array.isArray(fields.steps) && fields.steps.some((step) => String(step).includes('<<'));

function listed(fields: Fields): RowContent {
  const steps = texts(fields, 'steps');
  return withSteps(fields, steps.join(' '), steps);
}

const coconut: Format = {
  why: 'question, a list of steps, and answer',
  fields: ['question', 'steps', 'answer'],
  is: ({ steps }) => Array.isArray(steps),
  row: listed,
};

const prosqa: Format = {
  why: 'question, a list of steps in words, and an answer in words',
  fields: coconut.fields,
  is: (fields) =>
    fits(coconut, fields) &&
    !isCalculation(fields) &&
    (has(fields, 'idx_to_symbol') || /^\w+ is an? \w+\.$/.test(String(fields.answer))),
  row: listed,
};

const cot: Format = {
  why: 'question, cot and answer',
  fields: ['question', 'cot', 'answer'],
  row(fields) {
    const rationale = optional(fields, 'cot');
    return withSteps(fields, rationale, stepsOf(rationale));
  },
};

const svamp: Format = {
  why: 'Body, Question and Answer',
  fields: ['Body', 'Question', 'Answer'],
  alsoReads: ['Equation'],
  row(fields) {
    const equation = optional(fields, 'Equation');
    const question = `${text(fields, 'Body')} ${text(fields, 'Question')}`;
    return plain(question, equation === '' ? [] : [equation], text(fields, 'Answer'));
  },
};

const gsmHard: Format = {
  why: 'input, code and target',
  fields: ['input', 'code', 'target'],
  row(fields) {
    const rationale = text(fields, 'code');
    const answer = text(fields, 'target');
    return {
      question: text(fields, 'input'),
      rationale,
      // The program's assignments; its head, its docstring and `return result` do no work.
      steps: linesOf(rationale).filter((line) => /^\w+ = /.test(line)),
      answer,
      reference: answer,
    };
  },
};

const multiarith: Format = {
  why: 'sQuestion with lSolutions, or question with final_ans',
  fields: [],
  alsoReads: ['sQuestion', 'lSolutions', 'lEquations', 'question', 'final_ans'],
  is: (fields) => has(fields, 'sQuestion', 'lSolutions') || has(fields, 'question', 'final_ans'),
  row(fields) {
    if (has(fields, 'final_ans')) return plain(text(fields, 'question'), [], text(fields, 'final_ans'));
    const solutions = fields.lSolutions;
    if (!Array.isArray(solutions) || solutions.length !== 1)
      throw new Malformed(`lSolutions is ${quote(solutions)}; a list of one number is expected`);
    return plain(
      text(fields, 'sQuestion'),
      has(fields, 'lEquations') ? texts(fields, 'lEquations') : [],
      text({ 'lSolutions[0]': solutions[0] }, 'lSolutions[0]'),
    );
  },
};

/** Choices as both forms have them: `{label: [], text: []}`, or a list of `{label, text}`. */
function choicesOf(value: unknown): string[] {
  const { label, text: said } = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const pairs: readonly (readonly [unknown, unknown])[] =
    Array.isArray(label) && Array.isArray(said) && label.length === said.length
      ? label.map((one, i) => [one, said[i]])
      : Array.isArray(value)
        ? value.map((one) => [(one as Fields | null)?.label, (one as Fields | null)?.text])
        : [];
  if (pairs.length === 0 || pairs.some((pair) => pair.some((one) => typeof one !== 'string')))
    throw new Malformed('choices have no labels with texts');
  return pairs.map(([one, meaning]) => `${one}: ${meaning}`);
}

const commonsenseqa: Format = {
  why: 'a question with choices, and answerKey',
  fields: ['question', 'answerKey'],
  alsoReads: ['choices'],
  is: (fields) => has(fields, 'choices') || (typeof fields.question === 'object' && fields.question !== null),
  row(fields) {
    const inner = fields.question;
    const nested = typeof inner === 'object' && inner !== null ? (inner as Fields) : undefined;
    const stem = nested ? text(nested, 'stem') : text(fields, 'question');
    const choices = choicesOf((nested ?? fields).choices);
    const key = text(fields, 'answerKey');
    if (!choices.some((choice) => choice.startsWith(`${key}: `)))
      throw new Malformed(`answerKey ${quote(key)} is none of the choices`);
    return plain([stem, ...choices].join('\n'), [], key);
  },
};

/** Names that columns usually have, likeliest first, in lower case. */
const USUAL = {
  question: ['question', 'problem', 'input', 'prompt', 'query', 'instruction', 'sentence'],
  answer: ['answer', 'final_answer', 'final_ans', 'target', 'label', 'output', 'result', 'solution'],
  rationale: [
    'rationale',
    'cot',
    'chain_of_thought',
    'reasoning',
    'steps',
    'explanation',
    'solution',
    'response',
  ],
} as const;

/** The mapping that the columns' names suggest; null if they name no question or no answer. */
export function usualMapping(columns: readonly string[]): ColumnMapping | null {
  const taken = new Set<string>();
  const find = (names: readonly string[]): string | undefined => {
    const found = names
      .map((name) => columns.find((column) => column.toLowerCase() === name && !taken.has(column)))
      .find((column) => column !== undefined);
    if (found !== undefined) taken.add(found);
    return found;
  };
  const question = find(USUAL.question);
  const answer = find(USUAL.answer);
  if (question === undefined || answer === undefined) return null;
  const rationale = find(USUAL.rationale);
  return { question, answer, ...(rationale !== undefined && { rationale }) };
}

const columns: Format = {
  why: 'the names of its columns',
  fields: [],
  is: (fields) => usualMapping(Object.keys(fields)) !== null,
  row(fields, { columns: mapping }) {
    if (mapping === null) throw new TypeError('a row is read before its columns are chosen');
    for (const name of [mapping.question, mapping.answer])
      if (!has(fields, name)) throw new Malformed(`there is nothing under ${quote(name)}`);
    const { rationale: column } = mapping;
    const rationale = optional(fields, column);
    const steps =
      column !== undefined && Array.isArray(fields[column]) ? texts(fields, column) : stepsOf(rationale);
    const answer = text(fields, mapping.answer);
    return { question: text(fields, mapping.question), rationale, steps, answer, reference: answer };
  },
};

export const FORMATS: Readonly<Record<DataFormat, Format>> = {
  gsm8k,
  icot,
  coconut,
  cot,
  svamp,
  'gsm-hard': gsmHard,
  multiarith,
  prosqa,
  commonsenseqa,
  columns,
};

/** Whether a record is of the format. */
const fits = ({ fields: names, is }: Format, fields: Fields): boolean =>
  has(fields, ...names) && (is === undefined || is(fields));

/**
 * From the most particular to the least: the first that most records fit. Those with steps in a field of their own come before
 * GSM8K’s, whose answers hold the steps: else an answer such as “#### 72” would hide the field.
 */
const ORDER: readonly DataFormat[] = [
  'icot',
  'commonsenseqa',
  'gsm-hard',
  'svamp',
  'multiarith',
  'prosqa',
  'coconut',
  'cot',
  'gsm8k',
  'columns',
];

/** The format that more than half of the records name or fit, how many do, and what that rests on. */
export function detectFormat(
  records: readonly Fields[],
): { readonly format: DataFormat; readonly fitting: number; readonly why: string } | null {
  const named = writtenFormat(records);
  if (named) return { ...named, why: 'read_as with the name of this form' };
  for (const format of ORDER) {
    const fitting = records.filter((fields) => fits(FORMATS[format], fields)).length;
    if (fitting * 2 > records.length) return { format, fitting, why: FORMATS[format].why };
  }
  return null;
}

/** Fields that hold sentences in one of the records, and that the format does not read. */
export function unreadTexts(
  records: readonly Fields[],
  format: DataFormat,
  mapping: ColumnMapping | null,
): readonly string[] {
  const { fields, alsoReads = [] } = FORMATS[format];
  const read = new Set([
    ...fields,
    ...alsoReads,
    ...(format === 'columns' ? Object.values(mapping ?? {}) : []),
  ]);
  const found = records.flatMap((record) =>
    Object.keys(record).filter((name) => !read.has(name) && isProse(record[name])),
  );
  return [...new Set(found)];
}

/** Words rather than a label, an id or a category. */
const isProse = (value: unknown): boolean =>
  Array.isArray(value) ? value.some(isProse) : typeof value === 'string' && /\S\s+\S/.test(value);
