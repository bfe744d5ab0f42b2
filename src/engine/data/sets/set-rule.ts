import type { RuleId } from '../../../contract/answer-rules';
import { type DataFormat, type DataRow, FORMAT_TEXTS } from '../../../contract/data';
import { listed, quote } from '../../../text/quote';
import { CALCULATION } from './fields';

/** The rule of a set, with what is unusual about it. */
export interface FoundRule {
  readonly id: RuleId;
  readonly notes: readonly string[];
}

type Rows = readonly Pick<DataRow, 'id' | 'answer' | 'reference' | 'rationale'>[];

/**
 * The rule that all rows name, or that of the form; where the form alone does not tell the set, the answers do.
 * @param named how many rows name which rule
 */
export function ruleOf(format: DataFormat, rows: Rows, named: ReadonlyMap<RuleId, number>): FoundRule {
  const [only] = named.keys();
  if (only !== undefined && named.get(only) === rows.length) return { id: only, notes: [] };
  const found = ruleOfForm(format, rows);
  if (named.size === 0) return found;
  const note = `Its rows name no answer rule in common (${listed([...named.keys()])}): ${found.id} is taken.`;
  return { ...found, notes: [...found.notes, note] };
}

function ruleOfForm(format: DataFormat, rows: Rows): FoundRule {
  if ((format !== 'columns' && format !== 'cot') || rows.length === 0 || isGsm8kAug(format, rows))
    return { id: FORMAT_TEXTS[format].rule, notes: [] };
  if (rows.every(({ answer }) => /^[A-E]$/.test(answer))) return { id: 'letter', notes: [] };
  const odd = rows.find(({ answer }) => !isPlainNumber(answer));
  if (odd === undefined) return { id: 'last-number', notes: [] };
  const hasNumbers = rows.some(({ answer }) => /\d/.test(answer));
  const note = `Answers are compared as whole texts, because that of ${odd.id}, ${quote(odd.answer)}, is not one plain number: another one can be chosen under “Answer rule”.`;
  // Answers that are all words are compared so as a matter of course.
  return { id: 'text', notes: hasNumbers ? [note] : [] };
}

/** Whether most rows are of GSM8K-Aug in CODI's form, which has a rule of its own whatever single answers are like. */
function isGsm8kAug(format: DataFormat, rows: Rows): boolean {
  if (format !== 'cot') return false;
  const marked = rows.filter(
    ({ answer, reference, rationale }) => answer !== reference || rationale.search(CALCULATION) >= 0,
  );
  return marked.length * 2 > rows.length;
}

/** One number in digits: commas between thousands only, a dot before decimals; before it a currency. */
const NUMBER = /^(?:[$€£¥] ?)?-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\.?/;
/** Words or a sign, such as `%`, ` km/h` or ` clips`: none that makes another number of it, as `x`, `½` or ` million` do. */
const UNIT = /^ ?(?:[%°$€£¥]|\p{L}+)[\p{L}°²³/ .'’-]*$/u;
const OTHER_NUMBER = /^ ?(?:[xyznkπ]|hundred|thousand|million|billion|trillion|dozen)(?!\p{L})/iu;

/** Whether the last number of an answer is all of it but a unit: only then is a text that has that number right. */
export function isPlainNumber(answer: string): boolean {
  const [number] = NUMBER.exec(answer) ?? [];
  if (number === undefined) return false;
  const rest = answer.slice(number.length).trimEnd();
  return rest === '' || (UNIT.test(rest) && !OTHER_NUMBER.test(rest));
}
