import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { type Feedback, latentOf } from './feedback';
import type { KeyValues } from './layer';
import { leftPadding, placed } from './positions';
import { causalMask, positionOf, runStack, type StackModel, type StackOutput } from './stack';
import { embed } from './vocabulary';

/** The question, left-padded to S columns, with its additive key mask [B, 1, 1, S]. */
export interface QuestionRun extends StackOutput {
  readonly batch: number;
  readonly columns: number;
  readonly keyMask: Tensor;
  /** Columns of left padding [B, 1], where positions are learned. */
  readonly padding: Tensor | undefined;
  /** Final hidden state at the last column, [B, H]. */
  readonly last: Tensor;
}

/**
 * @param ids i32 [B, S], left-padded
 * @param keyMask additive [B, 1, 1, S], 0 on tokens and −1e9 on padding
 * @param options `lastOnly` (default true): the last layer's hidden states are needed at the last column only, [B, H];
 * `fed`: what becomes of the embeddings [B·S, H], before positions are added
 */
export function runQuestion(
  model: StackModel,
  ids: Tensor,
  keyMask: Tensor,
  {
    lastOnly = true,
    fed = (x) => x,
  }: { readonly lastOnly?: boolean; readonly fed?: (x: Tensor) => Tensor } = {},
): QuestionRun {
  const [B, S] = ids.shape as readonly [number, number];
  const padding = model.config.positions === 'learned' ? leftPadding(keyMask) : undefined;
  const place = { batch: B, positions: S, from: 0 };
  const out = model.graph.scope('question', () =>
    runStack(model, {
      x: placed(model, fed(embed(model, ids)), place, padding),
      ...place,
      mask: o.add(keyMask, causalMask(model.graph, S, S)),
      past: undefined,
      lastOnly,
    }),
  );
  const last = out.hidden[out.hidden.length - 1] as Tensor;
  return {
    ...out,
    batch: B,
    columns: S,
    keyMask,
    padding,
    last: lastOnly ? last : positionOf(last, B, S, S - 1),
  };
}

/** What has been read so far: keys and values, and the final hidden state of the last position. */
export interface Read {
  readonly kv: readonly KeyValues[];
  /** Columns read. */
  readonly columns: number;
  /** Positions left unused: those of later columns are so many more; default 0. */
  readonly skipped?: number;
  /** [B, H] */
  readonly last: Tensor;
}

/** A pass over further columns. */
export interface Continued extends Read, StackOutput {}

/** A recurrent thought after what was read: z is made from the last hidden state (LoRi §2: z_t = f(x, z_{1:t−1})). */
export function runLatent(
  model: StackModel,
  question: QuestionRun,
  before: Read,
  feedback: Feedback,
): Continued {
  return runVectors(
    model,
    question,
    before,
    latentOf(model, before.last, feedback, model.parameter),
    'latent',
  );
}

/** Input embeddings x [B·n, H] after what was read. */
export function runVectors(
  model: StackModel,
  question: QuestionRun,
  before: Read,
  x: Tensor,
  label: string,
): Continued {
  const B = question.batch;
  const n = (x.shape[0] as number) / B;
  const columns = before.columns + n;
  const { skipped = 0 } = before;
  const place = { batch: B, positions: n, from: before.columns + skipped };
  return model.graph.scope(`${label} ${before.columns}`, () => {
    const keys = o.pad(question.keyMask, 3, 0, columns - question.columns);
    const out = runStack(model, {
      x: placed(model, x, place, question.padding),
      ...place,
      mask: n === 1 ? keys : o.add(keys, causalMask(model.graph, n, columns)),
      past: before.kv,
    });
    const finals = out.hidden[out.hidden.length - 1] as Tensor;
    return { ...out, columns, skipped, last: positionOf(finals, B, n, n - 1) };
  });
}

/** Given tokens after what was read: right-padded ids [B, A]. */
export const runContinuation = (
  model: StackModel,
  question: QuestionRun,
  before: Read,
  ids: Tensor,
  label: string,
): Continued => runVectors(model, question, before, embed(model, ids), label);
