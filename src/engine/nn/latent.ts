import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { KeyValues } from './layer';
import { leftPadding, placed } from './positions';
import { causalMask, positionOf, runStack, type StackModel, type StackOutput } from './stack';
import { embed, softmaxMixture } from './vocabulary';

/** How a final hidden state becomes the next input embedding. */
export interface LatentFilter {
  /** softmax(logits/τ)·E, a mixture of word embeddings, or the hidden state as it is. */
  readonly kind: 'softmax' | 'hidden';
  readonly temperature: number;
}

/** z [B, H] of a final hidden state [B, H]. */
export function latentOf(model: StackModel, hidden: Tensor, filter: LatentFilter): Tensor {
  return filter.kind === 'hidden' ? hidden : softmaxMixture(model, hidden, filter.temperature);
}

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
 * @param options `lastOnly` (default true): the last layer's hidden states are needed at the last column only, [B, H]
 */
export function runQuestion(
  model: StackModel,
  ids: Tensor,
  keyMask: Tensor,
  { lastOnly = true }: { readonly lastOnly?: boolean } = {},
): QuestionRun {
  const [B, S] = ids.shape as readonly [number, number];
  const padding = model.config.positions === 'learned' ? leftPadding(keyMask) : undefined;
  const place = { batch: B, positions: S, from: 0 };
  const out = model.graph.scope('question', () =>
    runStack(model, {
      x: placed(model, embed(model, ids), place, padding),
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

/** K latent steps after a question. `hidden[t][ℓ]` [B, H] are the hidden states at z_{t+1}'s position: H_S of LoRi §3.2. */
export interface LatentRun {
  readonly hidden: readonly (readonly Tensor[])[];
  readonly kv: readonly KeyValues[];
  readonly columns: number;
}

/** z_1 is made from the question's last hidden state, z_t from that of z_{t−1} (LoRi §2: z_t = f(x, z_{1:t−1})). */
export function runLatents(
  model: StackModel,
  question: QuestionRun,
  steps: number,
  filter: LatentFilter,
): LatentRun {
  let { last, kv } = question as { last: Tensor; kv: readonly KeyValues[] };
  const hidden: (readonly Tensor[])[] = [];
  for (let t = 0; t < steps; t++)
    model.graph.scope(`latent ${t + 1}`, () => {
      const place = { batch: question.batch, positions: 1, from: question.columns + t };
      const out = runStack(model, {
        x: placed(model, latentOf(model, last, filter), place, question.padding),
        ...place,
        mask: o.pad(question.keyMask, 3, 0, t + 1),
        past: kv,
      });
      hidden.push(out.hidden);
      kv = out.kv;
      last = out.hidden[out.hidden.length - 1] as Tensor;
    });
  return { hidden, kv, columns: question.columns + steps };
}

/** Given tokens after a question and, perhaps, latents: right-padded ids [B, A]. */
export function runContinuation(
  model: StackModel,
  question: QuestionRun,
  before: { readonly kv: readonly KeyValues[]; readonly columns: number },
  ids: Tensor,
  label: string,
): StackOutput {
  const [B, A] = ids.shape as readonly [number, number];
  const keys = before.columns + A;
  const place = { batch: B, positions: A, from: before.columns };
  return model.graph.scope(label, () =>
    runStack(model, {
      x: placed(model, embed(model, ids), place, question.padding),
      ...place,
      mask: o.add(o.pad(question.keyMask, 3, 0, keys - question.columns), causalMask(model.graph, A, keys)),
      past: before.kv,
    }),
  );
}
