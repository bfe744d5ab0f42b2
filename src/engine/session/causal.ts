import type { CallOptions } from '../../contract/calls';
import type { Accuracy, Progress } from '../../contract/events';
import type { CausalEvent, CausalPoint, CausalReport, CausalRequest, Section } from '../../contract/lens';
import { InputError, MemoryError, throwIfCancelled } from '../base/errors';
import { Owned } from '../base/owned';
import { Rng } from '../base/rng';
import type { Device } from '../device/device';
import type { Runtime } from '../runtime/runtime';
import { openBench } from './causal-bench';
import {
  type Directions,
  leadingDirections,
  type Projection,
  projectionOf,
  randomDirections,
} from './causal-directions';
import { MOST_LENS_BYTES } from './lens-plan';
import { expectWhole } from './sequences';
import { gatherStates, sequencesOf, statesBytes } from './states';
import { type Held, type ResolvedSubject, resolveSubject } from './subjects';

/** Held-out problems and training samples, at most: the test is for minutes. */
const MOST_PROBLEMS = 1000;
const MOST_SAMPLES = 512;

export interface CausalContext {
  readonly runtime: Runtime;
  readonly device: Device | undefined;
  readonly held: Held;
}

/**
 * Answers held-out problems with the states of some layers projected onto r directions: the leading ones of the states
 * on training problems (the thoughts’, or of all positions that are projected), and random ones.
 * @throws InputError for values that cannot be and MemoryError for too many samples, before anything is computed;
 * CancelledError
 */
export async function causalTest(
  { runtime, device, held }: CausalContext,
  request: CausalRequest,
  options: CallOptions<Progress | CausalEvent> = {},
): Promise<CausalReport> {
  const start = performance.now();
  const { signal, report } = options;
  const resolved = resolveSubject(request.subject, held);
  const { problems } = held;
  if (!problems) throw new InputError('no data set is loaded', 'Load the bundled pair first.');
  checkCausal(request, resolved);
  const directions = await directionsOf({ runtime, device, held }, resolved, request, options);
  const owned = new Owned();
  try {
    const asked = problems.take('held-out', 0, request.problems).map(({ problem }) => problem);
    const projected = { layers: request.layers, question: request.positions === 'all' };
    const bench = owned.add(await openBench(runtime, resolved, asked, projected));
    const total = request.problems * (1 + request.ranks.length * directions.size);
    const began = performance.now();
    let before = 0;
    const measure = async (projections: ReadonlyMap<number, Projection>): Promise<Accuracy> => {
      throwIfCancelled(signal, 'the causal test');
      for (const [layer, { matrix, shift }] of projections) bench.decoder.project(layer, matrix, shift);
      const tell = (done: number): void =>
        report?.({
          phase: 'causal',
          done: before + done,
          total,
          unit: 'problems',
          elapsed: performance.now() - began,
        });
      tell(0);
      const share = await bench.accuracy(tell, signal);
      before += request.problems;
      return share;
    };
    // A fresh decoder projects onto everything.
    const whole = await measure(new Map());
    const points: CausalPoint[] = [];
    for (const rank of request.ranks)
      for (const [kind, byLayer] of directions) {
        const projections = new Map([...byLayer].map(([layer, d]) => [layer, projectionOf(d, rank)]));
        const point: CausalPoint = { rank, directions: kind, accuracy: await measure(projections) };
        points.push(point);
        report?.({ kind: 'point', point });
      }
    return {
      request,
      label: resolved.label,
      model: resolved.model.report.name,
      hidden: resolved.model.config.hiddenSize,
      whole,
      points,
      milliseconds: performance.now() - start,
    };
  } finally {
    owned.dispose();
  }
}

/** @throws InputError naming the value and what it may be */
function checkCausal(request: CausalRequest, { model, label, kind, latentSteps }: ResolvedSubject): void {
  const { layers: L, hiddenSize: H } = model.config;
  expectWhole('problems', request.problems, 1, MOST_PROBLEMS);
  expectWhole('samples', request.samples, 1, MOST_SAMPLES);
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
      throw new InputError(`${what} ${values.join(', ')}; each is expected once, in ascending order`);
  }
  if (request.positions !== 'generated' && request.positions !== 'all')
    throw new InputError(`positions: ${request.positions}; generated or all is expected`);
  if (request.of !== undefined && request.of !== 'thoughts' && request.of !== 'projected')
    throw new InputError(`directions of ${request.of}; thoughts or projected is expected`);
  if (kind === 'student' && latentSteps === 0)
    throw new InputError(
      `the ${label} has no latent steps, so that there are no directions of its thoughts`,
      'Choose another student, or the teacher.',
    );
}

type ByLayer = ReadonlyMap<number, Directions>;

/** Directions of each layer on training problems, as many as the largest rank below H asks for. */
async function directionsOf(
  { runtime, device, held }: CausalContext,
  resolved: ResolvedSubject,
  { layers, ranks, samples, seed, centre, random, positions, of }: CausalRequest,
  { signal, report }: CallOptions<Progress | CausalEvent>,
): Promise<Map<CausalPoint['directions'], ByLayer>> {
  const { layers: L, hiddenSize: H } = resolved.model.config;
  const sequences = sequencesOf({ kind: 'problems', seed, samples }, held);
  const thoughts: Section = resolved.kind === 'student' ? 'latent' : 'rationale';
  const projected: Section[] = [...(positions === 'all' ? (['question'] as const) : []), thoughts, 'answer'];
  const sections = of === 'projected' ? projected : [thoughts];
  const most = Math.max(0, ...ranks.filter((rank) => rank < H));
  const rows = statesBytes(resolved, sequences, sections) / (L * H * Float32Array.BYTES_PER_ELEMENT);
  if (most > rows)
    throw new InputError(
      `rank ${most}: the ${samples} samples have ${rows} ${sections.join(' and ')} tokens, which span no more directions`,
      'Take more samples, or smaller ranks.',
    );
  // The states, and their transpose of one layer in the kernel's layout and its copy.
  const bytes = rows * H * Float32Array.BYTES_PER_ELEMENT * (L + 2);
  if (bytes > MOST_LENS_BYTES)
    throw new MemoryError(
      `the states of ${samples} samples take ${Math.ceil(bytes / 2 ** 20)} MiB; ${MOST_LENS_BYTES / 2 ** 20} MiB is the most`,
      `Choose ${Math.floor((samples * MOST_LENS_BYTES) / bytes)} samples or fewer.`,
    );
  const began = performance.now();
  const gathered = await gatherStates(runtime, resolved, sequences, sections, {
    signal,
    onProgress: (done, total) =>
      report?.({ phase: 'states', done, total, unit: 'samples', elapsed: performance.now() - began }),
  });
  const leading = new Map<number, Directions>();
  const without = new Map<number, Directions>();
  for (const layer of layers) {
    throwIfCancelled(signal, 'the causal test');
    const found = await leadingDirections(gathered, layer, most, centre, { device, signal });
    leading.set(layer, found);
    if (random)
      without.set(layer, randomDirections(found, most, new Rng(seed).fork(`random directions ${layer}`)));
  }
  const all = new Map<CausalPoint['directions'], ByLayer>([['leading', leading]]);
  return random ? all.set('random', without) : all;
}
