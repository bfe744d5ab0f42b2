/**
 * Jinja templates by @huggingface/jinja, with limits: a template comes from whoever made the checkpoint, and
 * the library bounds neither loops nor sizes. Every evaluation passes through one method, which counts and
 * measures here; single built-in functions that could blow up (`replace`, `join`, `indent`, `range`) are
 * bounded through their arguments.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { InputError } from '../base/errors';
import { checkTemplate, TemplateError } from './jinja-check';
import { strftime } from './strftime';

/** Maximum number of evaluations per rendering; a conversation of 100 messages takes some 20,000. */
const MAX_STEPS = 400_000;
/** Maximum milliseconds per rendering. */
const MAX_TIME = 1000;
/** Maximum depth of nested evaluations. */
const MAX_DEPTH = 400;
/** Maximum characters of a text, including the result. */
const MAX_CHARS = 2 ** 18;
/** Maximum number of values inside a value, plus characters of all its texts. */
const MAX_CONTENTS = 2 ** 20;
const MAX_RANGE = 1000;

type Statement = Parameters<Interpreter['evaluate']>[0];
type Value = ReturnType<Interpreter['evaluate']>;
export type Program = ReturnType<typeof parse>;

/** Throws `TemplateError`. */
export function parseTemplate(source: string): Program {
  checkTemplate.source(source);
  let program: Program;
  try {
    program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (cause) {
    throw new TemplateError(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  checkTemplate.program(program);
  return program;
}

/** Renders `program` with `variables`. Throws `TemplateError`. */
export function renderTemplate(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  now = new Date(),
): string {
  const environment = new Environment();
  const globals = {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    range: boundedRange,
    raise_exception: (message: unknown) => {
      throw new TemplateError(`refuses this conversation: ${String(message)}`);
    },
    strftime_now: (format: unknown) => strftime(now, String(format)),
    ...variables,
  };
  for (const [name, value] of Object.entries(globals)) environment.set(name, value);
  try {
    const { value } = new Bounded(environment).run(program);
    if (typeof value === 'string') return value;
    throw new TemplateError('makes no text');
  } catch (cause) {
    if (cause instanceof TemplateError || cause instanceof InputError) throw cause;
    if (cause instanceof RangeError)
      throw new TemplateError('calls itself too deeply, or makes too long a text');
    throw new TemplateError(`fails: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

class Bounded extends Interpreter {
  private steps = 0;
  private depth = 0;
  private readonly end = performance.now() + MAX_TIME;

  override evaluate(statement: Statement, environment: Environment): Value {
    if (++this.steps > MAX_STEPS) throw new TemplateError(`takes more than ${MAX_STEPS} steps`);
    // A single step may be a loop over a long list.
    if (performance.now() > this.end) throw new TemplateError(`takes more than ${MAX_TIME / 1000} s`);
    // The library swallows stack overflows in some places, so the depth is counted.
    if (++this.depth > MAX_DEPTH) throw new TemplateError('calls itself too deeply');
    let value: Value;
    try {
      value = super.evaluate(statement, environment);
    } finally {
      this.depth--; // `continue` and `break` are thrown
    }
    if (value.type === 'StringValue') {
      const { length } = value.value as string;
      if (length > MAX_CHARS) throw new TemplateError(`makes a text of more than ${MAX_CHARS} characters`);
    } else if (statement !== undefined && BUILDS.has(statement.type)) this.steps += costOf(value);
    return value;
  }
}

/** Nodes that build a value from others; values can grow only there. */
const BUILDS: ReadonlySet<string> = new Set([
  'ArrayLiteral',
  'TupleLiteral',
  'ObjectLiteral',
  'BinaryExpression',
  'CallExpression',
  'FilterExpression',
]);

/** The steps counted for building a value. It is measured as if written out: what it contains twice counts twice. */
function costOf(value: unknown): number {
  let parts = 0;
  let chars = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const inner = (open.pop() as { readonly value?: unknown } | undefined)?.value;
    parts++;
    if (typeof inner === 'string') chars += inner.length;
    if (parts + chars + open.length > MAX_CONTENTS)
      throw new TemplateError(`makes a value of more than ${MAX_CONTENTS} parts`);
    if (Array.isArray(inner) || inner instanceof Map) for (const item of inner.values()) open.push(item);
  }
  return parts + (chars >> 4);
}

function boundedRange(start: unknown, stop?: unknown, step: unknown = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (![from, to, step].every(Number.isInteger) || step === 0)
    throw new TemplateError('calls range() with something other than whole numbers');
  const count = Math.max(0, Math.ceil(((to as number) - (from as number)) / (step as number)));
  if (count > MAX_RANGE) throw new TemplateError(`calls range() for more than ${MAX_RANGE} numbers`);
  return Array.from({ length: count }, (_, i) => (from as number) + i * (step as number));
}
