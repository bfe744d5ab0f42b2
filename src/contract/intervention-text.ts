import { quote } from '../text/quote';
import { complaints } from './complaints';
import {
  type Intervention,
  intervention,
  MAX_INTERVENTIONS,
  type Operation,
  type TokenSegment,
  type Vector,
} from './latents';

/**
 * Interventions as text, for links, files and the command line: `z2:zero;z3@residual.4:add(token("12"),0.5)`; q5 is the
 * question's fifth token, p1 the first of the answer's prompt. Written numbers are read back to the same bits.
 */

/** A text that is no list of interventions; its message says where and what was expected. */
export class InterventionTextError extends Error {
  override readonly name = 'InterventionTextError';
  readonly code = 'input';
  readonly hint =
    'Write them as in z2:zero;q5@residual.4:add(token("12"),0.5): a thought (z), a token of the question (q) or of the prompt (p), a layer’s site if any, and what to do.';
}

type Argument = number | string | Call;
interface Call {
  readonly name: string;
  readonly args: readonly Argument[];
}

export const writeInterventions = (list: readonly Intervention[]): string =>
  list.map(writeIntervention).join(';');

export function writeIntervention(one: Intervention): string {
  const { at, operation } = one;
  const where = at.site === 'latent' ? '' : `@${at.site}.${at.layer}`;
  return `${positionName(one)}${where}:${writeCall(callOf(operation))}`;
}

const LETTERS = { question: 'q', prompt: 'p', thought: 'z' } as const;
const SEGMENT_OF: Readonly<Record<string, TokenSegment>> = { q: 'question', p: 'prompt' };

/** `z2`, `q5`, `p1` */
export const positionName = ({ of, step }: Pick<Intervention, 'of' | 'step'>): string =>
  `${LETTERS[of ?? 'thought']}${step}`;

function callOf(operation: Operation): Call {
  const { kind } = operation;
  const call = (...args: Argument[]): Call => ({ name: kind, args });
  switch (operation.kind) {
    case 'zero':
      return call();
    case 'noise':
      return call(operation.seed);
    case 'scale':
      return call(operation.factor);
    case 'replace':
      return call(vectorCall(operation.by));
    case 'interpolate':
      return call(vectorCall(operation.with), operation.share);
    case 'add':
      return call(vectorCall(operation.vector), operation.factor);
    case 'remove':
      return call(vectorCall(operation.vector));
    case 'project':
      return call(
        operation.rank,
        operation.problems,
        operation.centre ? 'centred' : 'uncentred',
        operation.keep,
      );
  }
}

function vectorCall(vector: Vector): Call {
  const call = (...args: Argument[]): Call => ({ name: vector.kind, args });
  switch (vector.kind) {
    case 'token':
      return call(vector.token);
    case 'difference':
      return call(vector.plus, vector.minus);
    case 'thought':
      return vector.question === undefined ? call(vector.step) : call(vector.step, vector.question);
    case 'question':
    case 'prompt':
      return vector.question === undefined ? call(vector.token) : call(vector.token, vector.question);
    case 'mean':
      return call(vector.problems);
    case 'direction':
      return call(vector.problems, vector.index);
    case 'values':
      return call(...vector.values);
  }
}

const writeCall = ({ name, args }: Call): string =>
  args.length === 0 ? name : `${name}(${args.map(writeArgument).join(',')})`;

const writeArgument = (argument: Argument): string =>
  typeof argument === 'object' ? writeCall(argument) : JSON.stringify(argument);

/** @throws InterventionTextError saying where the text is not what is expected, or which value is not allowed */
export function readInterventions(text: string): Intervention[] {
  if (text.trim() === '') return [];
  const reader = new Reader(text);
  const found: Intervention[] = [];
  do {
    if (found.length === MAX_INTERVENTIONS)
      throw new InterventionTextError(`more than ${MAX_INTERVENTIONS} interventions`);
    found.push(checked(reader.intervention()));
  } while (reader.takes(';'));
  reader.end();
  return found;
}

function checked(value: unknown): Intervention {
  const result = intervention().safeParse(value);
  if (result.success) return result.data;
  throw new InterventionTextError(complaints(result.error, value));
}

/** The arguments by name, in the order they are written. A vector's own come after its kind. */
const ARGUMENTS: Readonly<Record<Operation['kind'], readonly string[]>> = {
  zero: [],
  noise: ['seed'],
  scale: ['factor'],
  replace: ['by'],
  interpolate: ['with', 'share'],
  add: ['vector', 'factor'],
  remove: ['vector'],
  project: ['rank', 'problems', 'centre', 'keep'],
};
const VECTOR_ARGUMENTS: Readonly<Record<Exclude<Vector['kind'], 'values'>, readonly string[]>> = {
  token: ['token'],
  difference: ['plus', 'minus'],
  thought: ['step', 'question'],
  question: ['token', 'question'],
  prompt: ['token', 'question'],
  mean: ['problems'],
  direction: ['problems', 'index'],
};

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  intervention(): unknown {
    const head = this.match(
      /([zqp])(\d{1,5})(?:@([a-z.]+)\.(\d{1,5}))?:/y,
      'z and a step, or q or p and a token’s number, as in z2: or q5@residual.4:',
    );
    const [, letter = '', step, site, layer] = head;
    const of = SEGMENT_OF[letter];
    const call = this.call();
    return {
      ...(of && { of }),
      step: Number(step),
      at: site === undefined ? { site: 'latent' } : { site, layer: Number(layer) },
      operation: this.operation(call),
    };
  }

  takes(sign: string): boolean {
    this.space();
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) throw this.refusal('; or the end');
  }

  private operation({ name, args }: Call): unknown {
    if (!Object.hasOwn(ARGUMENTS, name))
      throw new InterventionTextError(
        `${quote(name)}; one of ${Object.keys(ARGUMENTS).join(', ')} is expected`,
      );
    const values = this.named(name, ARGUMENTS[name as Operation['kind']], args, 0);
    if ('centre' in values) {
      if (values.centre !== 'centred' && values.centre !== 'uncentred')
        throw new InterventionTextError(
          `project: ${quote(values.centre)}; "centred" or "uncentred" is expected`,
        );
      values.centre = values.centre === 'centred';
    }
    return { kind: name, ...values };
  }

  private vector({ name, args }: Call): unknown {
    if (name === 'values') return { kind: name, values: args };
    if (!Object.hasOwn(VECTOR_ARGUMENTS, name))
      throw new InterventionTextError(
        `${quote(name)}; one of ${[...Object.keys(VECTOR_ARGUMENTS), 'values'].join(', ')} is expected`,
      );
    const names = VECTOR_ARGUMENTS[name as keyof typeof VECTOR_ARGUMENTS];
    return { kind: name, ...this.named(name, names, args, names.includes('question') ? 1 : 0) };
  }

  /** @param optional how many of the last ones may be absent */
  private named(
    of: string,
    names: readonly string[],
    args: readonly Argument[],
    optional: number,
  ): Record<string, unknown> {
    if (args.length > names.length || args.length < names.length - optional)
      throw new InterventionTextError(
        `${of} has ${args.length} values; ${names.length === 0 ? 'none' : `(${names.join(', ')})`} is expected`,
      );
    return Object.fromEntries(
      args.map((value, i) => [names[i], typeof value === 'object' ? this.vector(value) : value]),
    );
  }

  private call(depth = 0): Call {
    const [name] = this.match(/[a-z]+/y, 'a word such as zero or add');
    const args: Argument[] = [];
    if (this.takes('(') && !this.takes(')')) {
      do args.push(this.argument(depth));
      while (this.takes(','));
      if (!this.takes(')')) throw this.refusal(', or )');
    }
    return { name: name as string, args };
  }

  private argument(depth: number): Argument {
    this.space();
    const string = this.peek(/"(?:[^"\\]|\\.)*"/y);
    if (string !== null) {
      this.at += string.length;
      try {
        return JSON.parse(string) as string;
      } catch {
        throw new InterventionTextError(`${quote(string)} is not a string that can be read`);
      }
    }
    const number = this.peek(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/y);
    if (number !== null) {
      this.at += number.length;
      return Number(number);
    }
    if (depth > 0) throw this.refusal('a number or a string in quotes');
    return this.call(depth + 1);
  }

  private peek(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0] ?? null;
  }

  private match(pattern: RegExp, expected: string): RegExpExecArray {
    this.space();
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) throw this.refusal(expected);
    this.at = pattern.lastIndex;
    return found;
  }

  private space(): void {
    while (this.text[this.at] === ' ') this.at++;
  }

  private refusal(expected: string): InterventionTextError {
    const rest = this.text.slice(this.at, this.at + 20);
    return new InterventionTextError(
      `interventions: ${rest === '' ? 'the end' : quote(rest)} at character ${this.at + 1}; ${expected} is expected`,
    );
  }
}
