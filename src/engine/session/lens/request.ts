import { z } from 'zod';
import {
  CONTROLS,
  type Control,
  type LensRequest,
  SECTIONS,
  type Section,
  type Selection,
  STACKS,
} from '../../../contract/lens';
import { allLayers, checkLayers } from '../../analysis/rows';
import { InputError, ShapeError } from '../../base/errors';
import type { ResolvedSubject } from '../models/subjects';
import { parseRequest } from '../parse-request';
import { checkedSpan } from '../states/fed-sequences';

const whole = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);

const subject = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('teacher') }),
  z.strictObject({ kind: z.literal('base') }),
  z.strictObject({ kind: z.literal('student'), checkpoint: whole.optional() }),
  z.strictObject({ kind: z.literal('opened') }),
]);

const range = z.tuple([whole.nullable(), whole.nullable()]);
const filter = z.strictObject({ steps: range, words: range, tokens: range });

/** Values that depend on the data set or the models are checked later, where those are known. */
const schema = z.strictObject({
  source: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('problems'), seed: z.number(), samples: z.number() }),
    z.strictObject({ kind: z.literal('ids'), ids: z.array(z.string()) }),
    z.strictObject({
      kind: z.literal('rows'),
      seed: z.number(),
      samples: z.number(),
      filter: filter.optional(),
    }),
    z.strictObject({ kind: z.literal('texts'), texts: z.array(z.string()) }),
  ]),
  selections: z
    .array(z.strictObject({ subject, sections: z.array(z.enum(SECTIONS)).min(1) }))
    .min(1)
    .max(2),
  layers: z.array(z.number()).nullable(),
  span: z.strictObject({ first: z.number(), last: z.number().nullable() }).nullable().optional(),
  stack: z.enum(STACKS),
  centre: z.boolean(),
  controls: z.array(z.enum(CONTROLS)),
  seed: whole,
  tucker: z.boolean(),
  trajectories: z.enum(['tucker', 'pca']).nullable(),
  angles: whole,
});

/** @throws InputError naming each bad path and value */
export function parseLensRequest(value: unknown): LensRequest {
  const request = parseRequest(schema, value);
  const { controls, selections } = request;
  checkedSpan(request.span);
  const twice = controls.find((control, i) => controls.indexOf(control) < i);
  if (twice) throw new InputError(`the control ${twice} is requested twice`, 'Request it once.');
  for (const control of controls) checkControl(control, (selections[0] as Selection).sections);
  if (request.angles > 0 && selections.length < 2)
    throw new InputError(
      `angles of ${request.angles} directions need two selections; there is one`,
      'Add a second one, or ask for 0 directions.',
    );
  return request as LensRequest;
}

/** The control must change some of the chosen tokens, or it would be a copy of the selection. */
function checkControl(control: Control, sections: readonly Section[]): void {
  if (control !== 'random-tokens' && control !== 'other-prompt') return;
  if (sections.some((section) => section !== 'question')) return;
  throw new InputError(
    `the control ${control} changes what follows the question, but only the question is chosen`,
    'Choose other tokens as well, or leave out the control.',
  );
}

/** @throws InputError if the subject has no latent steps */
export function checkLatents({ kind, label }: ResolvedSubject, sections: readonly Section[]): void {
  if (sections.includes('latent') && kind !== 'student' && kind !== 'base')
    throw new InputError(
      `latent tokens of the ${label}; only the student and the base have latent steps`,
      'Choose rationale, question or answer, or another model.',
    );
}

/** The chosen layers of a model, by default 1 … L. @param lowest that can be chosen @throws InputError */
export function layersOf(
  request: Pick<LensRequest, 'layers'>,
  { label, model }: ResolvedSubject,
  lowest: 0 | 1 = 1,
): readonly number[] {
  const { layers: count } = model.config;
  const layers = request.layers ?? allLayers(count);
  try {
    checkLayers(layers, count, lowest);
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    throw new InputError(`${cause.message}, which the ${label} has`, 'Choose from those.', { cause });
  }
  return layers;
}
