import { z } from 'zod';
import type { Progress } from './events';
import type { Subject } from './lens';
import { APP, count, group, type Setting, setting, settingGroups } from './settings';

/** Text generation: a prompt is read once, then tokens are drawn one at a time. */

/** Below it, exp((x − M)/τ) tells only which logit x is the largest, M. */
export const MIN_TEMPERATURE = 1e-4;

const temperature = z
  .number()
  .min(0)
  .max(10)
  .refine(
    (value) => value === 0 || value >= MIN_TEMPERATURE,
    `0, or at least ${MIN_TEMPERATURE}, is expected.`,
  );

/** New tokens of a generation, at least and at most. */
export const LIMIT_ENDS = [1, 4096] as const;

const shape = {
  generation: group(
    { title: 'Sampling' },
    {
      temperature: setting(temperature.default(0), {
        label: 'Temperature',
        tex: '\\tau',
        help: `Tokens are drawn from softmax(logits/τ). 0 always takes the most probable one: every sample is then the same. Any other is ${MIN_TEMPERATURE} or more.`,
        source: APP,
      }),
      topK: setting(count(0, 1_000_000).default(0), {
        label: 'Top-k',
        tex: 'k',
        unit: 'tokens',
        help: 'Only the k most probable tokens may be drawn; 0 for all.',
        source: APP,
      }),
      topP: setting(z.number().positive().max(1).default(1), {
        label: 'Top-p',
        tex: 'p',
        help: 'Only the most probable tokens up to a total probability of p may be drawn, after top-k; 1 for all.',
        source: APP,
      }),
      seed: setting(count(0, 2 ** 31 - 1).default(1), {
        label: 'Seed',
        help: 'The same seed gives the same text on the same device.',
        source: APP,
      }),
      samples: setting(count(1, 8).default(1), {
        label: 'Samples',
        help: 'Continuations generated side by side, each with noise of its own.',
        source: APP,
      }),
      limit: setting(count(...LIMIT_ENDS).default(128), {
        label: 'Length limit',
        unit: 'tokens',
        help: 'Generation ends after that many new tokens, if it has not ended before.',
        source: APP,
      }),
    },
  ),
};

export type GenerateSettings = z.infer<typeof shape.generation>;

/** Those of text generation, by name. */
export const GENERATE_SETTINGS: readonly Setting[] = (settingGroups(shape)[0]?.settings ?? []).map((one) => ({
  ...one,
  path: one.path.replace('generation.', ''),
}));
export const generateDefaults: GenerateSettings = shape.generation.parse(undefined);

/** Characters of a prompt, stop strings and their length. */
export const MAX_PROMPT_TEXT = 100_000;
export const MAX_STOPS = 8;
export const MAX_STOP_TEXT = 100;

const whole = z.int().min(0);
export const generateRequest = z.strictObject({
  subject: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('teacher') }),
    z.strictObject({ kind: z.literal('base') }),
    z.strictObject({ kind: z.literal('student'), checkpoint: whole.optional() }),
    z.strictObject({ kind: z.literal('opened') }),
  ]),
  prompt: z.string().max(MAX_PROMPT_TEXT),
  template: z.string().max(100).optional(),
  stop: z.array(z.string().min(1).max(MAX_STOP_TEXT)).max(MAX_STOPS),
  settings: shape.generation,
});

export interface GenerateRequest {
  readonly subject: Subject;
  /** As it is, with what the tokenizer puts around a text (`<s>`), or as a user's message where a template is named. */
  readonly prompt: string;
  /** Name of one of the model's chat templates. */
  readonly template?: string;
  /** A sample ends before the first of these in its text. */
  readonly stop: readonly string[];
  readonly settings: GenerateSettings;
}

export interface TokenText {
  readonly id: number;
  /** What it adds inside a text; a special token's name, a part of a character as its bytes. */
  readonly text: string;
}

export interface GeneratedToken extends TokenText {
  /** Under the model's own distribution, softmax(logits), whatever the settings; in nats. */
  readonly logProbability: number;
  /** With which it was drawn, after temperature, top-k and top-p. */
  readonly probability: number;
}

/**
 * Why a sample ended: an end token of the model (not part of the text), one of the stop strings, the limit of the settings,
 * or the last position that the model has.
 */
export type GenerateEnding = 'end' | 'stop' | 'limit' | 'positions';

export type GenerateEvent =
  | { readonly kind: 'prompt'; readonly tokens: readonly TokenText[] }
  | {
      readonly kind: 'token';
      readonly sample: number;
      readonly token: GeneratedToken;
      /** What can be read now: empty while a character is not whole or a stop string may have begun. */
      readonly text: string;
      /** Of all samples together, since the first token; `null` at the first. */
      readonly tokensPerSecond: number | null;
    }
  /** The rest of a sample's text, once it has ended. */
  | {
      readonly kind: 'ended';
      readonly sample: number;
      readonly text: string;
      readonly ending: GenerateEnding;
    };

export interface GeneratedSample {
  readonly text: string;
  /** With those of a stop string, without an end token. */
  readonly tokens: readonly GeneratedToken[];
  readonly ending: GenerateEnding;
}

export interface GenerateReport {
  readonly request: GenerateRequest;
  /** `teacher`, `student, step 50`, … and the name of the weights. */
  readonly label: string;
  readonly model: string;
  readonly prompt: readonly TokenText[];
  readonly samples: readonly GeneratedSample[];
  /**
   * `compile`: programs that were not there yet, which is in neither of the others. `first`: until the first token, reading
   * the prompt included. `rest`: all later tokens.
   */
  readonly seconds: { readonly compile: number; readonly first: number; readonly rest: number };
  /** Of all samples together, after the first token of each; `null` where there are none. */
  readonly tokensPerSecond: number | null;
}

export type GenerateReporting = Progress | GenerateEvent;
