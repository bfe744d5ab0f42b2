import type { CallOptions } from '../../../contract/calls';
import { FIGURE_6, type Section } from '../../../contract/lens';
import type { TokenSpan } from '../../../contract/span';
import {
  STATES_FORMATS,
  type StatesFile,
  type StatesRequest,
  type StatesSample,
} from '../../../contract/states';
import { quote } from '../../../text/quote';
import type { SampleStates } from '../../analysis/gathered';
import { checkGathered } from '../../analysis/rows';
import { InputError, MemoryError } from '../../base/errors';
import { npyHeader, safetensorsHeader } from '../../checkpoint/states-file';
import { checkLatents, layersOf, parseLensRequest } from '../lens/request';
import type { DeviceModels } from '../models/device-models';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { chosenPositions, type FedSequence, fedSequences } from './fed-sequences';
import { sequencesOf } from './sequences';
import { gatherStates } from './states';

/**
 * Maximum bytes of a file's values. Only one batch is in memory at a time: the rest is in Blobs, which the
 * browser may put on disk.
 */
const MAX_FILE_BYTES = 2 ** 32;

const F32 = Float32Array.BYTES_PER_ELEMENT;

/**
 * Hidden states of a subject as one file, written sample by sample.
 * @throws InputError for an impossible request, MemoryError for a file beyond `MAX_FILE_BYTES`, CancelledError,
 * NumericError for states that are not finite
 */
export async function exportStates(
  { models, loaded }: { readonly models: DeviceModels; readonly loaded: LoadedModels },
  value: StatesRequest,
  { signal, report }: CallOptions = {},
): Promise<StatesFile> {
  const start = performance.now();
  const { source, subject, sections, format } = value;
  if (!STATES_FORMATS.includes(format))
    throw new InputError(
      `there is no format ${quote(format)}; there are ${STATES_FORMATS.join(' and ')}`,
      'Choose one of these.',
    );
  const request = parseLensRequest({
    ...FIGURE_6,
    source,
    selections: [{ subject, sections }],
    layers: value.layers,
    span: value.span,
  });
  const resolved = resolveSubject(subject, loaded);
  checkLatents(resolved, sections);
  const layers = layersOf(request, resolved, 0);
  const sequences = sequencesOf(request.source, loaded);
  const { span = null } = request;
  const samples = samplesOf(fedSequences(resolved, sequences, sections, { span }), sections, span);
  const { hiddenSize: H } = resolved.model.config;
  const tokens = samples.reduce((sum, sample) => sum + sample.tokens, 0);
  const bytes = F32 * layers.length * tokens * H;
  if (bytes > MAX_FILE_BYTES)
    throw new MemoryError(
      `the hidden states of ${tokens} tokens at ${layers.length} layers take ${bytes} bytes; at most ${MAX_FILE_BYTES} are written to one file`,
      'Choose fewer samples, sections or layers.',
    );
  const parts = new Array<Blob>(sequences.length);
  await gatherStates(models, resolved, sequences, sections, {
    ...{ signal, span, layers },
    take: (sample, index) => {
      checkGathered({ layers: layers.length, chosen: layers, hidden: H, samples: [sample] }, span?.first);
      parts[index] = new Blob([byLayer(sample, layers.length, H)]);
    },
    onProgress: (done, total) =>
      report?.({ phase: 'states', done, total, unit: 'samples', elapsed: performance.now() - start }),
  });
  const shape = [layers.length, tokens, H] as const;
  const head =
    format === 'npy'
      ? npyHeader(shape)
      : safetensorsHeader(
          layers.map((layer) => ({ name: `layers.${layer}`, shape: [tokens, H] })),
          metadataOf(resolved, samples, { sections, layers, span }),
        );
  const ordered = layers.flatMap((_, l) =>
    parts.map((part) => part.slice((l * part.size) / layers.length, ((l + 1) * part.size) / layers.length)),
  );
  return {
    name: `${fileName(resolved)}.${format}`,
    blob: new Blob([head, ...ordered], { type: 'application/octet-stream' }),
    shape,
    layers,
    samples,
    label: resolved.label,
    model: resolved.source,
    milliseconds: performance.now() - start,
  };
}

/**
 * The positions of `sections` of each sequence, or a span of them, one sequence after another.
 * @throws InputError for a sequence that is shorter than the span, naming it
 */
function samplesOf(
  fed: readonly FedSequence[],
  sections: readonly Section[],
  span: TokenSpan | null,
): StatesSample[] {
  let from = 0;
  return fed.map((sequence) => {
    const { id, about } = sequence;
    const kept = chosenPositions(sequence, sections, span);
    const sample = {
      id,
      about,
      from,
      tokens: kept.length,
      texts: kept.map(({ text }) => text),
      ids: kept.map((one) => one.id),
    };
    from += kept.length;
    return sample;
  });
}

/** [tokens, P, H] → [P, tokens, H]; little-endian, like every platform with a browser. */
function byLayer({ states, tokens }: SampleStates, P: number, H: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(P * tokens * H);
  for (let l = 0; l < P; l++)
    for (let t = 0; t < tokens; t++) {
      const at = (t * P + l) * H;
      out.set(states.subarray(at, at + H), (l * tokens + t) * H);
    }
  return out;
}

const metadataOf = (
  { model, label, source }: ResolvedSubject,
  samples: readonly StatesSample[],
  {
    sections,
    layers,
    span,
  }: {
    readonly sections: readonly Section[];
    readonly layers: readonly number[];
    readonly span: TokenSpan | null;
  },
): Record<string, string> => ({
  model: source,
  subject: label,
  sha256: model.report.sha256,
  dtype: 'float32',
  layers: JSON.stringify(layers),
  layers_are: `hidden_states[l] of transformers: the output of layer l, the last one after the final norm${layers[0] === 0 ? '; layer 0 is what the first layer is fed' : ''}`,
  sections: JSON.stringify(sections),
  ...(span && { span: JSON.stringify([span.first, span.last]) }),
  samples: JSON.stringify(samples.map(({ id, from, tokens }) => ({ id, from, tokens }))),
  text: JSON.stringify(samples.map(({ about }) => about)),
  tokens: JSON.stringify(samples.map(({ texts }) => texts)),
  token_ids: JSON.stringify(samples.map(({ ids }) => ids)),
});

/** A file name from the letters, digits, dots and hyphens of the model's name and the subject. */
const fileName = ({ model, label }: ResolvedSubject): string =>
  `${model.report.name}-${label}`
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+|-+$/g, '')
    .slice(0, 100) || 'states';
