/**
 * Whether a tokenizer's regular expression can be trusted to terminate. A backtracking matcher takes
 * exponential time if a repeated group can itself match a text in several ways, like (a+)+ or (a|aa)*, and
 * time n^(k+1) if k repetitions follow one another. Matching cannot be given a time limit, so such patterns
 * are refused by their form. Common tokenizers (GPT-2, Llama, Qwen, o200k) need neither nested repetition nor
 * more than two repetitions in a row.
 */

export const MAX_PATTERN = 4000;
/** Maximum number of repetitions in one alternative: time n³ in the length of the text. */
const MAX_LOOPS = 2;
/** A repetition with at most this many repeats counts as bounded. */
const FEW = 16;
const MAX_REPEATS = 1000;
const MAX_GROUPS = 30;

/** What is known about a group. */
interface Group {
  /** Whether it has a quantifier or an alternative, so that it may match one text in several ways. */
  flexible: boolean;
  /** Repetitions in the current alternative, and the maximum over earlier ones. */
  loops: number;
  max: number;
}

const newGroup = (): Group => ({ flexible: false, loops: 0, max: 0 });
const loopsOf = (group: Group): number => Math.max(group.loops, group.max);

const QUANTIFIER = /^(?:[*+?]|\{(\d*)(?:(,)(\d*))?\})[?+]?/;
const GROUP_START = /^\((?:\?(?:<?[=!]|<\w+>|>|[a-z-]*:))?/i;

/** Why `source` is refused, in words that follow "the pattern", or `null`. Syntax is not checked. */
export function whyUnsafe(source: string): string | null {
  if (source.length > MAX_PATTERN)
    return `has ${source.length} characters; at most ${MAX_PATTERN} are allowed`;
  const open: Group[] = [newGroup()];
  /** The group just closed, to which a quantifier here would apply. */
  let closed: Group | undefined;
  for (let at = 0; at < source.length; ) {
    const group = open.at(-1) as Group;
    const quantifier = at === 0 ? null : QUANTIFIER.exec(source.slice(at, at + 40));
    if (quantifier) {
      const { min, max } = boundsOf(quantifier);
      if (Math.max(min, max === Number.POSITIVE_INFINITY ? 0 : max) > MAX_REPEATS)
        return `repeats a part more than ${MAX_REPEATS} times (${quantifier[0]})`;
      if (closed?.flexible && max > 1)
        return `repeats a group that itself holds repetitions or alternatives (${quantifier[0]}), which can take forever`;
      if (min !== max) group.flexible = true;
      if (max > FEW && ++group.loops > MAX_LOOPS)
        return `has more than ${MAX_LOOPS} repetitions in a row, which can take very long`;
      closed = undefined;
      at += quantifier[0].length;
      continue;
    }
    closed = undefined;
    const c = source[at];
    if (c === '\\') at += escapeLength(source, at);
    else if (c === '[') at = endOfClass(source, at);
    else if (c === '(') {
      if (open.length > MAX_GROUPS) return `nests groups more than ${MAX_GROUPS} deep`;
      open.push(newGroup());
      at += GROUP_START.exec(source.slice(at, at + 40))?.[0].length ?? 1;
    } else if (c === ')' && open.length > 1) {
      closed = open.pop() as Group;
      const outer = open.at(-1) as Group;
      outer.loops += loopsOf(closed);
      outer.flexible ||= closed.flexible;
      if (outer.loops > MAX_LOOPS)
        return `has more than ${MAX_LOOPS} repetitions in a row, which can take very long`;
      at++;
    } else {
      if (c === '|') {
        group.flexible = true;
        group.max = loopsOf(group);
        group.loops = 0;
      }
      at++;
    }
  }
  return null;
}

function boundsOf([text, low = '', comma, high = '']: RegExpExecArray): { min: number; max: number } {
  if (text.startsWith('?')) return { min: 0, max: 1 };
  if (text.startsWith('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
  if (text.startsWith('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
  const min = Number(low);
  if (comma === undefined) return { min, max: min };
  return { min, max: high === '' ? Number.POSITIVE_INFINITY : Number(high) };
}

const escapeLength = (source: string, at: number): number =>
  /^\\[pPux]\{[^}]*\}/.exec(source.slice(at, at + 60))?.[0].length ?? 2;

/** One past the class that begins at `at`; a nested class, as in Oniguruma, is part of it. */
function endOfClass(source: string, at: number): number {
  let depth = 0;
  for (let i = at; i < source.length; i++) {
    const c = source[i];
    if (c === '\\') i++;
    else if (c === '[' && (depth === 0 || isClosed(source, i))) depth++;
    else if (c === ']' && --depth === 0) return i + 1;
  }
  return source.length;
}

/** Whether the bracket inside a class at `at` has a closing one other than the surrounding class's. */
function isClosed(source: string, at: number): boolean {
  const first = source.indexOf(']', at + 1);
  return first >= 0 && source.indexOf(']', first + 1) >= 0;
}
