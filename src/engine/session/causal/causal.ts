import type { CallOptions } from '../../../contract/calls';
import type { Progress } from '../../../contract/events';
import type {
  CausalDirections,
  CausalEvent,
  CausalPoint,
  CausalReport,
  CausalRequest,
  Section,
} from '../../../contract/lens';
import { checkGathered } from '../../analysis/rows';
import { InputError, MemoryError, throwIfCancelled } from '../../base/errors';
import { Owned } from '../../base/owned';
import { Rng } from '../../base/rng';
import { expectWhole } from '../../base/whole';
import type { Device } from '../../device/device';
import { shareOf } from '../../eval/accuracy';
import { MAX_LENS_BYTES } from '../lens/plan';
import { namedKernels } from '../lens/precision';
import type { StatesCache } from '../lens/states-cache';
import type { DeviceModels } from '../models/device-models';
import { withoutWeights } from '../models/onnx-open';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { gatherStates, sequencesOf, statesBytes } from '../states/states';
import { keptAt, type LayerDirections, layerDirections } from './controls';
import { projectionOf } from './directions';
import { askedProblems, openProjectedSubject } from './projected-subject';

/** Maximum numbers of held-out problems and of training samples: the test is meant to take minutes. */
const MAX_PROBLEMS = 1000;
const MAX_SAMPLES = 512;

export interface CausalContext {
  readonly models: DeviceModels;
  readonly device: Device | undefined;
  readonly loaded: LoadedModels;
  /** Hidden states cached for other requests, which must leave room for this one. */
  readonly cache: StatesCache;
}

/**
 * Answers held-out problems with the hidden states of some layers projected onto r directions: each layer's
 * own leading ones, taken from training problems (at all projected positions, or only at the thoughts'), and
 * two kinds of random ones, drawn for each layer: equally many, and as many as keep the same energy
 * (`CAUSAL_DIRECTIONS`). All points use the same problems, and the outcome of every problem is reported, so
 * that points can be compared problem by problem.
 * @throws InputError for impossible values and MemoryError for too many samples, before anything is computed;
 * CancelledError
 */
export async function causalTest(
  { models, device, loaded, cache }: CausalContext,
  request: CausalRequest,
  options: CallOptions<Progress | CausalEvent> = {},
): Promise<CausalReport> {
  const start = performance.now();
  const { signal, report } = options;
  const resolved = resolveSubject(request.subject, loaded);
  if (resolved.model.onnx) throw withoutWeights(resolved.model.onnx.name, 'the causal test');
  const { problems } = loaded;
  if (!problems) throw new InputError('no data set is loaded', 'Load the bundled pair first.');
  checkCausal(request, resolved);
  const wanted = wantedDirections(resolved, request, loaded);
  const held = problems.take('held-out', 0, request.problems).map(({ problem }) => problem);
  const asked = askedProblems(models.runtime.provider, resolved, held);
  cache.shrink(new Map(), MAX_LENS_BYTES - wanted.room);
  const layers = await directionsOf({ models, device }, resolved, { request, ...wanted }, options);
  const kinds: CausalDirections[] = request.random ? ['leading', 'random', 'equal-energy'] : ['leading'];
  const owned = new Owned();
  try {
    const projected = { layers: request.layers, question: request.positions === 'all' };
    const subject = owned.add(await openProjectedSubject(models, resolved, asked, projected));
    const total = request.problems * (1 + request.ranks.length * kinds.length);
    const began = performance.now();
    let before = 0;
    const measure = async (): Promise<Uint8Array> => {
      const tell = (done: number): void =>
        report?.({
          phase: 'causal',
          done: before + done,
          total,
          unit: 'problems',
          elapsed: performance.now() - began,
        });
      tell(0);
      const outcomes = await subject.answer(tell, signal);
      throwIfCancelled(signal, 'the causal test');
      before += request.problems;
      return outcomes;
    };
    // A fresh decoder's projections are the identity.
    const wholeOutcomes = await measure();
    const points: CausalPoint[] = [];
    for (const rank of request.ranks)
      for (const directions of kinds) {
        const kept: CausalPoint['kept'][number][] = [];
        // Layer by layer, because projections are H × H.
        for (const found of layers) {
          throwIfCancelled(signal, 'the causal test');
          const { directions: onto, count, lastWeight, energy } = keptAt(found, directions, rank);
          const { matrix, shift } = await projectionOf(onto, count, signal, lastWeight);
          subject.project(found.layer, matrix, shift);
          kept.push({ layer: found.layer, directions: count, energy });
        }
        const outcomes = await measure();
        const point: CausalPoint = { rank, directions, accuracy: shareOf(outcomes), outcomes, kept };
        points.push(point);
        report?.({ kind: 'point', point });
      }
    return {
      request,
      label: resolved.label,
      model: resolved.source,
      hidden: resolved.model.config.hiddenSize,
      whole: shareOf(wholeOutcomes),
      wholeOutcomes,
      points,
      ...namedKernels(layers.flatMap(({ leading }) => leading.directions.kernel ?? [])),
      milliseconds: performance.now() - start,
    };
  } finally {
    await owned.dispose();
  }
}

/** @throws InputError naming the value and the allowed ones */
function checkCausal(
  request: CausalRequest,
  { model, label, kind, latentSteps, reasoning }: ResolvedSubject,
): void {
  const { layers: L, hiddenSize: H } = model.config;
  expectWhole('problems', request.problems, 1, MAX_PROBLEMS);
  expectWhole('samples', request.samples, 1, MAX_SAMPLES);
  expectWhole('seed', request.seed, 0, 2 ** 31 - 1);
  for (const [what, values] of [
    ['layers', request.layers],
    ['ranks', request.ranks],
  ] as const) {
    if (values.length === 0) throw new InputError(`no ${what} are chosen`, 'Choose at least one.');
    for (const value of values)
      if (what === 'layers') expectWhole('layer', value, 1, L);
      else expectWhole('rank', value, 0, H);
    if (values.some((value, i) => i > 0 && value <= (values[i - 1] as number)))
      throw new InputError(
        `${what} ${values.join(', ')}; each is expected once, in ascending order`,
        `Give the ${what} in ascending order, each once.`,
      );
  }
  if (request.positions !== 'generated' && request.positions !== 'all')
    throw new InputError(
      `positions: ${request.positions}; generated or all is expected`,
      'Choose generated or all.',
    );
  if (request.of !== undefined && request.of !== 'thoughts' && request.of !== 'projected')
    throw new InputError(
      `directions of ${request.of}; thoughts or projected is expected`,
      'Choose thoughts or projected.',
    );
  if (kind === 'student' && latentSteps === 0 && !reasoning.explicit)
    throw new InputError(
      `the ${label} has no latent steps, so that there are no directions of its thoughts`,
      'Choose another student, or the teacher.',
    );
}

/** What the directions are taken from, how many there are of each layer, and the bytes that this takes. */
interface WantedDirections {
  readonly sequences: ReturnType<typeof sequencesOf>;
  readonly sections: readonly Section[];
  readonly maxRank: number;
  readonly room: number;
}

/** @throws InputError for ranks that the samples do not span, MemoryError for too many samples */
function wantedDirections(
  resolved: ResolvedSubject,
  request: CausalRequest,
  loaded: LoadedModels,
): WantedDirections {
  const { ranks, samples, seed, centre, layers } = request;
  const { layers: L, hiddenSize: H } = resolved.model.config;
  const sequences = sequencesOf({ kind: 'problems', seed, samples }, loaded);
  const sections = sectionsOf(request, resolved);
  const maxRank = Math.max(0, ...ranks.filter((rank) => rank < H));
  const rows = statesBytes(resolved, sequences, sections) / (L * H * F32);
  // Subtracting the mean costs one direction.
  const span = centre ? rows - 1 : rows;
  if (maxRank > span)
    throw new InputError(
      `rank ${maxRank}: the ${samples} samples have ${rows} ${sections.join(' and ')} tokens, which span ${span} directions${centre ? ' around their mean' : ''}`,
      'Use more samples or smaller ranks.',
    );
  return { sequences, sections, maxRank, room: roomFor(request, { P: layers.length, H, maxRank, rows }) };
}

/** Directions of each layer on training problems, as many as the largest rank below H needs. */
async function directionsOf(
  { models, device }: Pick<CausalContext, 'models' | 'device'>,
  resolved: ResolvedSubject,
  { request, sequences, sections, maxRank }: WantedDirections & { readonly request: CausalRequest },
  { signal, report }: CallOptions<Progress | CausalEvent>,
): Promise<LayerDirections[]> {
  const { layers, seed, centre, random } = request;
  const began = performance.now();
  // Those of the projected layers alone: the batches, and with them the sums, are the same whichever are read.
  const gathered = await gatherStates(models, resolved, sequences, sections, {
    ...{ signal, layers },
    onProgress: (done, total) =>
      report?.({ phase: 'states', done, total, unit: 'samples', elapsed: performance.now() - began }),
  });
  checkGathered(gathered);
  const found: LayerDirections[] = [];
  for (const [place, layer] of layers.entries()) {
    throwIfCancelled(signal, 'the causal test');
    const rng = random ? new Rng(seed).fork(`random directions ${layer}`) : null;
    // By its place among those gathered, which are numbered from 1 there.
    const its = await layerDirections(gathered, place + 1, maxRank, centre, rng, { device, signal });
    found.push({ ...its, layer });
  }
  return found;
}

/** Where the directions come from: all projected positions, unless only the thoughts are requested. */
function sectionsOf(
  { of = 'projected', positions }: CausalRequest,
  { kind, reasoning }: ResolvedSubject,
): Section[] {
  const thoughts: Section = kind === 'student' && !reasoning.explicit ? 'latent' : 'rationale';
  if (of === 'thoughts') return [thoughts];
  return positions === 'all' ? ['question', thoughts, 'answer'] : [thoughts, 'answer'];
}

const F32 = Float32Array.BYTES_PER_ELEMENT;
const F64 = Float64Array.BYTES_PER_ELEMENT;

/** Bytes of host memory for hidden states and directions. @throws MemoryError beyond what the lens may take */
function roomFor(
  { samples, layers, random }: CausalRequest,
  { P, H, maxRank, rows }: { P: number; H: number; maxRank: number; rows: number },
): number {
  // The P projected layers; of one its rows, their transpose and a copy for the decomposition, with the Gram matrix of its shorter side.
  const states = rows * H * F32 * (P + 3);
  const side = Math.min(rows, H);
  // The leading directions of every layer, H random ones, and one projection.
  const directions = layers.length * (maxRank + (random ? H : 0)) * H * F64;
  const fixed = directions + H * H * (F64 + F32) + side * side * F64;
  if (states + fixed <= MAX_LENS_BYTES) return states + fixed;
  const fitting = Math.floor((samples * (MAX_LENS_BYTES - fixed)) / states);
  throw new MemoryError(
    `the hidden states of ${samples} samples and the directions of ${layers.length} layers take ${mebibytes(states + fixed)}; ${mebibytes(MAX_LENS_BYTES)} is the limit`,
    fitting > 0 ? `Choose ${fitting} samples or fewer.` : 'Choose fewer layers, or smaller ranks.',
  );
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
