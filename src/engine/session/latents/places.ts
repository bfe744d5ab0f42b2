import type { Intervention, Operation, Place } from '../../../contract/latents';
import { InputError } from '../../base/errors';
import { checkLayer, type Decoder } from '../../decode/decoder';
import { siteName } from '../../decode/sites';
import { SITES } from '../../nn/attachments';
import { operated, type Sources } from './operations';

/** The interventions at one place. */
export interface AtPlace {
  readonly at: Place;
  readonly list: Intervention[];
}

/** What an intervention may name, at its position and place. */
export type SourcesFor = (one: Intervention) => Sources;

/**
 * Interventions by place, in the order of the forward pass; at one place in the order given.
 * @throws InputError for a layer that the model does not have
 */
export function byPlace(
  decoder: Pick<Decoder, 'shape'>,
  interventions: readonly Intervention[],
): readonly AtPlace[] {
  const found = new Map<string, AtPlace>();
  for (const one of interventions) {
    if (one.at.site !== 'latent') checkLayer(decoder, one.at.layer);
    const known = found.get(siteName(one.at));
    if (known) known.list.push(one);
    else found.set(siteName(one.at), { at: one.at, list: [one] });
  }
  const order = ({ at }: AtPlace): number =>
    at.site === 'latent' ? -1 : at.layer * SITES.length + SITES.indexOf(at.site);
  return [...found.values()].sort((a, b) => order(a) - order(b));
}

/**
 * h after the interventions, one after another, in float32.
 * @throws InputError for values that are no vector of its size
 */
export async function changedBy(
  h: ArrayLike<number>,
  list: readonly Intervention[],
  sources: SourcesFor,
): Promise<Float32Array<ArrayBuffer>> {
  let value = Float64Array.from(h);
  for (const one of list) {
    value = Float64Array.from(await operated(value, one, sources(one)));
    if (value.length !== h.length) throw wrongSize(one.operation, value.length, h.length);
  }
  return Float32Array.from(value);
}

const wrongSize = ({ kind }: Operation, found: number, expected: number): InputError =>
  new InputError(
    `${kind}: a vector of ${found} values; ${expected} are expected, the model’s hidden size`,
    'Paste a vector of that size.',
  );
