import { entriesFor, type FormEntries } from './form-link';

/** Of which layer and head, counted from 1; `null` averages over all of them. */
export interface AttentionChoice {
  readonly layer: number | null;
  readonly head: number | null;
  /** Whether the first token is left out: positions attend to it whatever it is (CODI figure 6 leaves it out, too). */
  readonly withoutFirst: boolean;
}

export const initialAttention: AttentionChoice = { layer: null, head: null, withoutFirst: true };

/** Of any model's layers and heads; the open question's are known where they are shown. */
const MOST = 4096;

const of = entriesFor<AttentionChoice>();

export const attentionEntries: FormEntries<AttentionChoice> = {
  'attention-layer': of.choice('layer', [1, MOST]),
  'attention-head': of.choice('head', [1, MOST]),
  'attention-without-first': of.check('withoutFirst'),
};

/** The choice as far as the model has it, and what it lacks. */
export function shownAttention(
  choice: AttentionChoice,
  { layers, heads }: { readonly layers: number; readonly heads: number },
): { readonly shown: AttentionChoice; readonly missing: readonly string[] } {
  const { layer, head } = choice;
  const lacks = (what: string, one: number | null, count: number) =>
    one !== null && one > count
      ? [`There is no ${what} ${one}; the model has ${count}: their mean is shown.`]
      : [];
  const missing = [...lacks('layer', layer, layers), ...lacks('head', head, heads)];
  return {
    missing,
    shown: {
      ...choice,
      layer: layer !== null && layer > layers ? null : layer,
      head: head !== null && head > heads ? null : head,
    },
  };
}
