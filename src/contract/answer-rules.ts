/**
 * How the answer is found in a text and compared with the reference: the rule of each data set's own evaluation, as data.
 * Rules differ on purpose: `3.0` is right against `3` for one and wrong for another, and figures are comparable only
 * under the rule they were published with.
 */

export const RULE_IDS = [
  'gsm8k',
  'last-number',
  'gsm-hard',
  'first-number',
  'coconut',
  'letter',
  'text',
] as const;
export type RuleId = (typeof RULE_IDS)[number];

export interface AnswerRule {
  readonly id: RuleId;
  readonly label: string;
  /** In one sentence: what is taken, and when it is right. */
  readonly about: string;
  /** Whose rule it is, with the file it stands in. */
  readonly source: string;
  /** Only what follows its last occurrence is read; the whole text where it does not occur. */
  readonly after?: string;
  /** Whether a text that the model has written whole is wrong without the answer prompt, which is found whatever its case. */
  readonly needsPrompt?: boolean;
  /** The first group, or else the whole match, is the answer. */
  readonly pattern: string;
  readonly pick: 'first' | 'last';
  /** Commas are removed from the text before the pattern is matched, from the match, or not at all. */
  readonly commas: 'before' | 'after' | 'keep';
  /** Equal texts, equal numbers, or numbers less than so much apart. */
  readonly compare: 'text' | 'number' | { readonly within: number };
}

/** Optional minus, digits, optional dot, optional digits. */
const NUMBER = '-?\\d+\\.?\\d*';

/** The code of adaptive latent reasoning: numbers less than so much apart are equal answers, also where it rewards them. */
export const ADAPTIVE_WITHIN = 1e-6;

export const ANSWER_RULES: Readonly<Record<RuleId, AnswerRule>> = {
  gsm8k: {
    id: 'gsm8k',
    label: 'GSM8K: the number after ####',
    about:
      'The digits, dots and commas after the first “#### ”, commas removed; right if the text equals the reference’s, so 3.0 does not equal 3.',
    source: 'openai/grade-school-math, grade_school_math/dataset.py, extract_answer and is_correct',
    pattern: '#### (-?[0-9.,]+)',
    pick: 'first',
    commas: 'after',
    compare: 'text',
  },
  'last-number': {
    id: 'last-number',
    label: 'Last number',
    about: 'Commas removed, the last number of the text; right if it equals the reference as a number.',
    source: 'CODI, test.py, extract_answer_number (on GSM8K, SVAMP, MultiArith and GSM-Hard)',
    pattern: NUMBER,
    pick: 'last',
    commas: 'before',
    compare: 'number',
  },
  'gsm-hard': {
    id: 'gsm-hard',
    label: 'GSM-Hard: the last number, within 0.001',
    about: 'Commas removed, the last number of the text; right if it is less than 0.001 from the reference.',
    source:
      'reasoning-machines/pal, scripts/gsm_eval.py, which compares a program’s result so; taking the last number of a text is CODI’s',
    pattern: NUMBER,
    pick: 'last',
    commas: 'before',
    compare: { within: 1e-3 },
  },
  'first-number': {
    id: 'first-number',
    label: 'First number behind the answer prompt',
    about:
      'Commas removed, the first number behind the answer prompt, whatever its case; right if it is less than 0.000001 from the reference. A text that the model has written whole, without the prompt, is wrong.',
    source: 'the code of adaptive latent reasoning (Ning, Kuo & Gomes), its evaluation',
    needsPrompt: true,
    pattern: '-?(?:\\d+(?:\\.\\d+)?|\\.\\d+)',
    pick: 'first',
    commas: 'before',
    compare: { within: ADAPTIVE_WITHIN },
  },
  coconut: {
    id: 'coconut',
    label: 'Text after the last #',
    about:
      'What follows the last “#”, commas and outer spaces removed; right if it equals the reference character by character.',
    source: 'facebookresearch/coconut, run.py (on GSM8K-Aug, ProntoQA and ProsQA)',
    after: '#',
    // Neither a space nor a comma at its ends: both are removed there, in whatever order they stand.
    pattern: '[^\\s,](?:[\\s\\S]*[^\\s,])?',
    pick: 'first',
    commas: 'after',
    compare: 'text',
  },
  letter: {
    id: 'letter',
    label: 'Letter of the choice',
    about:
      'The first letter behind the last “The answer is:”, if it is one of A to E; right if it is the reference’s. A text without one is wrong (CODI counts it as C).',
    source: 'CODI, test.py, extract_answer_number (on CommonsenseQA)',
    after: 'The answer is:',
    pattern: '^\\s*([A-E])',
    pick: 'first',
    commas: 'after',
    compare: 'text',
  },
  text: {
    id: 'text',
    label: 'Whole text',
    about: 'The text without outer spaces; right if it equals the reference character by character.',
    source: 'a choice of this project, for data of your own',
    pattern: '\\S(?:[\\s\\S]*\\S)?',
    pick: 'first',
    commas: 'keep',
    compare: 'text',
  },
};

/** What a rule found in a text. */
export interface Mark {
  /** As compared: commas removed where the rule does so. */
  readonly value: string;
  /** Where it stands in the text, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** How many places the pattern fits, of which this is the first or the last. */
  readonly found: number;
}

/** The answer in `text`, or `null` if the rule finds none. */
export function markAnswer(rule: RuleId, text: string): Mark | null {
  const { after, pattern, pick, commas } = ANSWER_RULES[rule];
  const from = after === undefined ? -1 : text.lastIndexOf(after);
  const offset = from < 0 ? 0 : from + (after as string).length;
  const part = text.slice(offset);
  const { read, at } = commas === 'before' ? withoutCommas(part) : { read: part, at: (i: number) => i };
  const matches = [...read.matchAll(new RegExp(pattern, 'g'))];
  const match = pick === 'first' ? matches[0] : matches.at(-1);
  if (!match) return null;
  const answer = match[1] ?? match[0];
  // A group stands at the end of its match in every rule.
  const end = match.index + match[0].length;
  return {
    value: withCommas(rule, answer),
    start: offset + at(end - answer.length),
    end: offset + at(end - 1) + 1,
    found: matches.length,
  };
}

const withCommas = (rule: RuleId, text: string): string =>
  ANSWER_RULES[rule].commas === 'keep' ? text : text.replaceAll(',', '');

/** `text` without commas, and where each of the remaining characters stood. */
function withoutCommas(text: string): { read: string; at: (index: number) => number } {
  if (!text.includes(',')) return { read: text, at: (i) => i };
  const places: number[] = [];
  for (let i = 0; i < text.length; i++) if (text[i] !== ',') places.push(i);
  return { read: text.replaceAll(',', ''), at: (i) => places[i] as number };
}

/** What a rule found in a text, and whether that is right. */
export interface Judgement {
  readonly mark: Mark | null;
  readonly right: boolean;
}

/** The answer in `text`, and whether it is right: the reference is read by the same comparison, never by the pattern's place. */
export function judge(rule: RuleId, text: string, reference: string): Judgement {
  const mark = markAnswer(rule, text);
  return { mark, right: mark !== null && agrees(rule, mark, reference) };
}

/** Whether the answer in `text` is right, as `judge` has it. */
export const isRight = (rule: RuleId, text: string, reference: string): boolean =>
  judge(rule, text, reference).right;

function agrees(rule: RuleId, mark: Mark, reference: string): boolean {
  const { compare } = ANSWER_RULES[rule];
  if (compare === 'text') return mark.value === withCommas(rule, reference).trim();
  const own = markAnswer(rule, reference);
  if (own === null) return false;
  const [value, expected] = [Number.parseFloat(mark.value), Number.parseFloat(own.value)];
  return compare === 'number' ? value === expected : Math.abs(value - expected) < compare.within;
}

/** The last number in a text, commas removed; undefined if there is none. */
export function lastNumber(text: string): number | undefined {
  const mark = markAnswer('last-number', text);
  return mark === null ? undefined : Number.parseFloat(mark.value);
}

/** A minus sign of typesetting, which no evaluation's pattern takes for one. */
const TYPESET_MINUS = '\u2212';

/** Why this place of a text was marked, in words, and whether a sign before it was not read. */
export function whyMarked(rule: RuleId, mark: Mark | null, text: string): string {
  const isUnsigned =
    mark !== null && ANSWER_RULES[rule].compare !== 'text' && text[mark.start - 1] === TYPESET_MINUS;
  const sign = isUnsigned
    ? ` The “${TYPESET_MINUS}” before it (U+2212) is not “-”, and is not read by this rule.`
    : '';
  return whyPlaced(rule, mark) + sign;
}

function whyPlaced(rule: RuleId, mark: Mark | null): string {
  const { pick, after, id, compare, needsPrompt } = ANSWER_RULES[rule];
  if (mark === null)
    return id === 'gsm8k'
      ? 'No “#### ” with a number behind it.'
      : id === 'letter'
        ? 'No letter from A to E where the answer is expected.'
        : needsPrompt
          ? 'No number behind an answer prompt.'
          : compare !== 'text'
            ? 'No number in the text.'
            : 'There is no text.';
  if (after !== undefined || mark.found === 1) return `${ANSWER_RULES[rule].label}.`;
  return `${ANSWER_RULES[rule].label}: the ${pick} of ${mark.found} places.`;
}
