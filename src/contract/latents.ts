import { z } from 'zod';
import { MAX_LATENT_STEPS } from './methods/shared';
import { once } from './once';

/**
 * Stepping through latent thoughts and changing them. z_1…z_K are fed one after another between the question and the answer's
 * prompt; thought t is what is fed at step t, and step 0 is the question's last position. The tokens of the question are q_1…,
 * those of the answer's prompt p_1…. H is the hidden size.
 */

/** Sites of a layer whose states can be changed; `residual` is the layer's output, of the last layer after the final norm. */
export const STATE_SITES = [
  'attention.in',
  'q.in',
  'k.in',
  'v.in',
  'attention.out',
  'mlp.in',
  'mlp.out',
  'residual',
] as const;
export type StateSite = (typeof STATE_SITES)[number];

const whole = (from: number, to: number) => z.int().min(from).max(to);
/** Largest magnitude of a factor, a share or a pasted value. */
export const MAX_FACTOR = 1e6;
const finite = z.number().min(-MAX_FACTOR).max(MAX_FACTOR);
const tokenText = z.string().min(1).max(100);

/** Most problems whose thoughts are averaged or decomposed, and most interventions of one branch. */
export const MAX_MEAN_PROBLEMS = 128;
export const MAX_INTERVENTIONS = 64;
/** Most layers, directions and values that a request may name; the model's own sizes are checked where it is known. */
export const MAX_NAMED = 1 << 16;

/**
 * What is fed at a position (the thought, or a token's embedding), before positions are added; or the state at a site of layer
 * 1…L at that position.
 */
export const place = once(() =>
  z.union([
    z.strictObject({ site: z.literal('latent') }),
    z.strictObject({ site: z.enum(STATE_SITES), layer: whole(1, MAX_NAMED) }),
  ]),
);
export type Place = z.infer<ReturnType<typeof place>>;

/**
 * A vector of H values:
 * - token: the row of the embedding of one token;
 * - difference: that of `plus` less that of `minus`;
 * - thought: the state at the same place of thought `step`, unmodified, of this question or another one (its text or its id);
 * - question, prompt: the same of a token of the question, or of the answer's prompt after all thoughts;
 * - mean: the mean state at the same place and position over the first training problems. Questions differ in length and words:
 *   at a question's token it is the mean over all tokens of their questions;
 * - direction: the principal direction `index` (1, 2, …) of all states at that place over those problems, around their mean, of
 *   norm 1: of thoughts at a thought, of the questions' tokens at one of them, of the prompt's tokens at one of them;
 * - values: as given.
 */
const ofQuestion = z.string().min(1).max(2000).optional();
export const vector = once(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('token'), token: tokenText }),
    z.strictObject({ kind: z.literal('difference'), plus: tokenText, minus: tokenText }),
    z.strictObject({
      kind: z.literal('thought'),
      step: whole(1, MAX_LATENT_STEPS),
      question: ofQuestion,
    }),
    z.strictObject({ kind: z.literal('question'), token: whole(1, MAX_NAMED), question: ofQuestion }),
    z.strictObject({ kind: z.literal('prompt'), token: whole(1, MAX_NAMED), question: ofQuestion }),
    z.strictObject({ kind: z.literal('mean'), problems: whole(1, MAX_MEAN_PROBLEMS) }),
    z.strictObject({
      kind: z.literal('direction'),
      problems: whole(2, MAX_MEAN_PROBLEMS),
      index: whole(1, MAX_NAMED),
    }),
    z.strictObject({ kind: z.literal('values'), values: z.array(finite).min(1).max(MAX_NAMED) }),
  ]),
);
export type Vector = z.infer<ReturnType<typeof vector>>;

/**
 * What becomes of a state h, with v a vector:
 * - zero: 0;
 * - noise: ‖h‖·g/‖g‖, g standard normal by seed, step and place;
 * - scale: factor·h;
 * - replace: v;
 * - interpolate: (1 − share)·h + share·v;
 * - add: h + factor·v;
 * - remove: h − (h·u)·u, u = v/‖v‖: the direction is projected out;
 * - project: onto the r leading directions V of all states at that place over the first training problems (as for `direction`),
 *   c + V·Vᵀ(h − c), c their mean or 0; `outside` keeps what is orthogonal to them instead.
 */
export const operation = once(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('zero') }),
    z.strictObject({ kind: z.literal('noise'), seed: whole(0, 2 ** 31 - 1) }),
    z.strictObject({ kind: z.literal('scale'), factor: finite }),
    z.strictObject({ kind: z.literal('replace'), by: vector() }),
    z.strictObject({ kind: z.literal('interpolate'), with: vector(), share: finite }),
    z.strictObject({ kind: z.literal('add'), vector: vector(), factor: finite }),
    z.strictObject({ kind: z.literal('remove'), vector: vector() }),
    z.strictObject({
      kind: z.literal('project'),
      rank: whole(0, MAX_NAMED),
      problems: whole(1, MAX_MEAN_PROBLEMS),
      centre: z.boolean(),
      keep: z.enum(['inside', 'outside']),
    }),
  ]),
);
export type Operation = z.infer<ReturnType<typeof operation>>;

/** Whose positions can be changed besides the thoughts: the question's tokens, and those of the answer's prompt. */
export const TOKEN_SEGMENTS = ['question', 'prompt'] as const;
export type TokenSegment = (typeof TOKEN_SEGMENTS)[number];

/**
 * At one place of one position: of thought `step`, or, where it is `of` a question or a prompt, of its token number `step`.
 * Several at the same place are applied in order.
 */
export const intervention = once(() =>
  z
    .strictObject({
      of: z.enum(TOKEN_SEGMENTS).optional(),
      step: whole(1, MAX_NAMED),
      at: place(),
      operation: operation(),
    })
    .refine(({ of, step }) => of !== undefined || step <= MAX_LATENT_STEPS, {
      path: ['step'],
      message: `a thought from 1 to ${MAX_LATENT_STEPS} is expected`,
    }),
);
export type Intervention = z.infer<ReturnType<typeof intervention>>;

/**
 * The number of thoughts after which an intervention is felt: none at the question; at the prompt, which is fed after any number
 * of thoughts and changes none of them, infinitely many.
 */
export const feltFrom = ({ of, step }: Pick<Intervention, 'of' | 'step'>): number =>
  of === 'question' ? 0 : of === 'prompt' ? Number.POSITIVE_INFINITY : step;

/** A point of a branch: after `step` thoughts of the open question, with these interventions on them. */
export const moment = once(() =>
  z.strictObject({
    session: z.int(),
    step: whole(0, MAX_LATENT_STEPS),
    interventions: z.array(intervention()).max(MAX_INTERVENTIONS),
  }),
);
export type Moment = z.infer<ReturnType<typeof moment>>;

/** After `step` thoughts; without interventions unless there are some. */
export const momentOf = (session: number, step: number, interventions: Intervention[] = []): Moment => ({
  session,
  step,
  interventions,
});

export const answerPair = once(() => z.strictObject({ before: moment(), after: moment() }));
export type AnswerPair = z.infer<ReturnType<typeof answerPair>>;

/** The interventions that feed the thoughts of the unmodified run in another order: step t is fed thought order[t − 1]. */
export const permutation = (order: readonly number[]): Intervention[] =>
  order.flatMap((from, i) =>
    from === i + 1
      ? []
      : [
          {
            step: i + 1,
            at: { site: 'latent' as const },
            operation: { kind: 'replace' as const, by: { kind: 'thought' as const, step: from } },
          },
        ],
  );
