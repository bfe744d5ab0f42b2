/**
 * Regular expressions that come from outside (names of modules in adapter_config.json), matched in time linear in the text:
 * all states are followed at once, so that no expression can make a reader hang, as backtracking does.
 */

/** Why an expression is not used. `message` quotes the part that is not understood. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

type Test = (char: string) => boolean;

/** One character, a fork to two places, or the end. */
type Step =
  | { readonly kind: 'char'; readonly test: Test }
  | { readonly kind: 'fork'; readonly to: readonly number[] };

const MAX_LENGTH = 4000;
const MAX_STEPS = 20_000;
const MAX_DEPTH = 32;
const MAX_REPEAT = 100;

const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /\d/,
  D: /\D/,
  w: /\w/,
  W: /\W/,
  s: /\s/,
  S: /\S/,
};

/**
 * A test of whether the expression matches all of a text (Python's `re.fullmatch`). Literals, escapes, `.`, classes, groups,
 * alternatives and repeats are understood; `^` at the beginning and `$` at the end mean nothing.
 * @throws PatternError for everything else
 */
export function fullMatch(pattern: string): (text: string) => boolean {
  const steps = new Compiler(pattern).compile();
  return (text) => {
    let here = closure(steps, [0]);
    for (const char of text) {
      const next: number[] = [];
      for (const at of here) {
        const step = steps[at];
        if (step?.kind === 'char' && step.test(char)) next.push(at + 1);
      }
      if (next.length === 0) return false;
      here = closure(steps, next);
    }
    return here.has(steps.length);
  };
}

/** Every place that can be reached without reading a character. */
function closure(steps: readonly Step[], from: readonly number[]): Set<number> {
  const seen = new Set<number>();
  const open = [...from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const step = steps[at];
    if (step?.kind === 'fork') open.push(...step.to.map((offset) => (at as number) + offset));
  }
  return seen;
}

const fork = (...to: number[]): Step => ({ kind: 'fork', to });

/** Steps are relative to their own place, so that a fragment can be moved and repeated. */
class Compiler {
  private at = 0;
  private steps = 0;

  constructor(private readonly pattern: string) {}

  compile(): Step[] {
    if (this.pattern.length > MAX_LENGTH)
      throw new PatternError(`an expression of ${this.pattern.length} characters; at most ${MAX_LENGTH}`);
    if (this.pattern[0] === '^') this.at++;
    const steps = this.alternatives(0);
    if (this.at < this.pattern.length) throw this.unknown();
    return steps;
  }

  private unknown(): PatternError {
    return new PatternError(
      `${JSON.stringify(this.pattern.slice(this.at, this.at + 8))} at character ${this.at + 1} is not understood`,
    );
  }

  private counted(steps: Step[]): Step[] {
    this.steps += steps.length;
    if (steps.length > MAX_STEPS || this.steps > 50 * MAX_STEPS)
      throw new PatternError('an expression that is too large');
    return steps;
  }

  private alternatives(depth: number): Step[] {
    if (depth > MAX_DEPTH) throw new PatternError(`groups nested more than ${MAX_DEPTH} deep`);
    const options = [this.sequence(depth)];
    while (this.pattern[this.at] === '|') {
      this.at++;
      options.push(this.sequence(depth));
    }
    const [only] = options;
    if (options.length === 1) return only as Step[];
    // A fork to all options, each of which ends with a jump to the end.
    const total = 1 + options.reduce((n, option) => n + option.length + 1, 0);
    const starts: number[] = [];
    const steps: Step[] = [{ kind: 'fork', to: starts }];
    for (const option of options) {
      starts.push(steps.length);
      for (const step of option) steps.push(step);
      steps.push(fork(total - steps.length));
    }
    return this.counted(steps);
  }

  private sequence(depth: number): Step[] {
    const steps: Step[] = [];
    while (this.at < this.pattern.length) {
      const char = this.pattern[this.at] as string;
      if (char === '|' || char === ')') break;
      if (char === '$' && this.at === this.pattern.length - 1) {
        this.at++;
        break;
      }
      for (const step of this.repeated(this.atom(depth))) steps.push(step);
    }
    return this.counted(steps);
  }

  private atom(depth: number): Step[] {
    const char = this.pattern[this.at] as string;
    if (char === '(') return this.group(depth);
    if (char === '[') return [{ kind: 'char', test: this.set() }];
    if ('*+?{}$^])'.includes(char)) throw this.unknown();
    if (char === '\\') return [{ kind: 'char', test: this.escape() }];
    this.at++;
    return [{ kind: 'char', test: char === '.' ? (c) => c !== '\n' : (c) => c === char }];
  }

  private group(depth: number): Step[] {
    const rest = this.pattern.slice(this.at);
    if (rest.startsWith('(?') && !rest.startsWith('(?:')) throw this.unknown();
    this.at += rest.startsWith('(?:') ? 3 : 1;
    const steps = this.alternatives(depth + 1);
    if (this.pattern[this.at] !== ')') throw this.unknown();
    this.at++;
    return steps;
  }

  private escape(): Test {
    const char = this.pattern[this.at + 1];
    if (char === undefined) throw this.unknown();
    const known = CLASSES[char];
    if (known === undefined && /[a-z0-9]/i.test(char)) throw this.unknown();
    this.at += 2;
    return known === undefined ? (c) => c === char : (c) => known.test(c);
  }

  /** `[a-z0-9_]`, `[^.]`. */
  private set(): Test {
    this.at++;
    const negated = this.pattern[this.at] === '^';
    if (negated) this.at++;
    const tests: Test[] = [];
    for (let first = true; ; first = false) {
      const char = this.pattern[this.at];
      if (char === undefined) throw this.unknown();
      if (char === ']' && !first) break;
      if (char === '\\') {
        tests.push(this.escape());
        continue;
      }
      const end = this.pattern[this.at + 1] === '-' ? this.pattern[this.at + 2] : undefined;
      if (end !== undefined && end !== ']') {
        if (end === '\\' || end < char) throw this.unknown();
        tests.push((c) => c >= char && c <= end);
        this.at += 3;
      } else {
        tests.push((c) => c === char);
        this.at++;
      }
    }
    this.at++;
    return (c) => tests.some((test) => test(c)) !== negated;
  }

  private repeated(atom: Step[]): Step[] {
    const range = this.range();
    if (range === undefined) return atom;
    // Greedy or lazy: what is matched is the same.
    if (this.pattern[this.at] === '?') this.at++;
    const [from, to] = range;
    const n = atom.length;
    const steps: Step[] = [];
    for (let i = 0; i < from; i++) steps.push(...this.counted(atom));
    if (to === undefined) steps.push(fork(1, n + 2), ...atom, fork(-n - 1));
    else for (let i = from; i < to; i++) steps.push(fork(1, (n + 1) * (to - i)), ...this.counted(atom));
    return this.counted(steps);
  }

  private range(): readonly [number, number | undefined] | undefined {
    const simple = { '*': [0, undefined], '+': [1, undefined], '?': [0, 1] } as const;
    const char = this.pattern[this.at] ?? '';
    if (char === '*' || char === '+' || char === '?') {
      this.at++;
      return simple[char];
    }
    if (char !== '{') return undefined;
    const [all, from, comma, to] = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(this.pattern.slice(this.at)) ?? [];
    if (all === undefined) throw this.unknown();
    const least = Number(from);
    const most = comma === undefined ? least : to === '' ? undefined : Number(to);
    if (least > MAX_REPEAT || (most !== undefined && (most > MAX_REPEAT || most < least)))
      throw this.unknown();
    this.at += all.length;
    return [least, most];
  }
}
