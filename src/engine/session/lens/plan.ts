import type { Control, LensRequest, Selection } from '../../../contract/lens';
import { SECTIONS } from '../../../contract/lens';
import { firstLayers } from '../../../contract/memory';
import type { GatheredStates } from '../../analysis/gathered';
import { largestLot } from '../../analysis/matrix-spectra';
import { allLayers } from '../../analysis/rows';
import { type StackOptions, stacked } from '../../analysis/stacks';
import { InputError, MemoryError } from '../../base/errors';
import { feedbackOf } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { BATCH_BYTES, bucketsOf, columnsRun } from '../states/buckets';
import { chosenPositions, type FedSequence, fedSequences, type Variant } from '../states/fed-sequences';
import { type Sequence, sequencesOf } from '../states/sequences';
import { refuseUnlessRead } from '../states/states';
import { checkLatents, layersOf } from './request';
import type { StatesCache } from './states-cache';

/** Bytes of host memory that one request's hidden states and working copies of them may take. */
export const MAX_LENS_BYTES = 2 ** 30;
/**
 * If all hidden states of a request take more than this, those of controls are decomposed as they come from
 * the model and not kept: another request for them has to read them again.
 */
export const KEPT_BYTES = 2 ** 27;
/** Maximum number of points in all trajectories together: more cannot be told apart, nor drawn smoothly. */
export const MAX_POINTS = 20_000;

/** Hidden states to gather: one pass over all samples. */
export interface Gathering {
  /** Key in the cache. */
  readonly key: string;
  readonly resolved: ResolvedSubject;
  readonly selection: Selection;
  readonly variant: Variant;
  /** Number of tokens of each sample. */
  readonly tokens: readonly number[];
  /** Number of tokens that the model reads for all samples. */
  readonly fed: number;
  /** Number of columns that are computed for them: with padding, and without what comes after the span. */
  readonly columns: number;
  /** How many layers are kept, from the first: up to the highest that is asked for. */
  readonly depth: number;
  /** How many layers are run: as many, or all where thoughts are made of final states, and by an ONNX export. */
  readonly run: number;
}

export interface PlannedSelection extends Gathering {
  /** 1 … L, ascending. */
  readonly layers: readonly number[];
}

export interface LensPlan {
  readonly request: LensRequest;
  readonly sequences: readonly Sequence[];
  readonly selections: readonly PlannedSelection[];
  /** Controls that need hidden states of their own. */
  readonly variants: ReadonlyMap<Control, Gathering>;
  /** Whether hidden states of controls are not kept, see `KEPT_BYTES`. */
  readonly passing: boolean;
  /** Bytes of host memory that it takes. */
  readonly bytes: number;
}

type Parts = Omit<LensPlan, 'bytes' | 'passing'>;

export interface PlanOptions {
  /** The device that matrices are decomposed on besides the CPU. */
  readonly device?: Device | undefined;
  readonly keptBytes?: number;
  /** Hidden states that are there already, so that nothing is read for them. */
  readonly cache?: Pick<StatesCache, 'has'>;
}

/**
 * Plans a request before anything is run. Memory at any time holds: the hidden states of all selections,
 * 4·ΣN·D·H bytes each, D the highest layer that is asked for, and of all controls that need their own if everything is within `KEPT_BYTES`;
 * otherwise those of one sample and of the batch it was read in (of one control, if not stacked by sample);
 * and the largest matrix, or on a GPU lot of matrices, with the working memory of its decomposition
 * (analysis/matrix-spectra.ts).
 * What a pass takes on the provider is checked for all that has to be read, so that none is refused after another was made.
 * @throws InputError for what the subjects or samples lack, MemoryError for what does not fit, naming what
 * would
 */
export function planLens(request: LensRequest, loaded: LoadedModels, options: PlanOptions = {}): LensPlan {
  const sequences = sequencesOf(request.source, loaded);
  const passes: Pass[] = [];
  const gathering = (of: GatheredBy, variant: Variant): Gathering => {
    const pass = passOf(request, sequences, of, variant, loaded);
    passes.push(pass);
    return pass.gathering;
  };
  const selections = request.selections.map((selection): PlannedSelection => {
    const resolved = resolveSubject(selection.subject, loaded);
    checkLatents(resolved, selection.sections);
    const layers = layersOf(request, resolved);
    const of = { resolved, selection, depth: Math.max(...layers) };
    return { ...gathering(of, 'as-is'), layers };
  });
  const first = selections[0] as PlannedSelection;
  const variants = new Map<Control, Gathering>();
  for (const control of request.controls)
    if (control === 'random-tokens' || control === 'other-prompt')
      variants.set(control, gathering(first, control));
  checkPair(request, selections);
  const plan = { request, sequences, selections, variants };
  const { bytes, passing } = memoryOf(plan, sequences.length, options);
  if (bytes > MAX_LENS_BYTES) {
    const fits = (n: number, from = plan) => memoryOf(from, n, options).bytes <= MAX_LENS_BYTES;
    const fitting = largestFitting(sequences.length, fits);
    const most = Math.max(...selections.map(({ layers }) => layers.length));
    const lowest = largestFitting(most - 1, (n) => fits(sequences.length, ofLayers(plan, n)));
    const less = `${lowest > 0 ? `only ${layersInWords(plan, lowest)}, ` : ''}fewer kinds of tokens`;
    throw new MemoryError(
      `the hidden states of ${sequences.length} samples take ${show(bytes)} with working copies; ${show(MAX_LENS_BYTES)} is the limit`,
      fitting > 0
        ? `Choose ${fitting} samples or fewer, ${less}, or fewer controls.`
        : `Not one sample fits: choose ${less}, fewer controls, or a smaller model.`,
    );
  }
  checkPoints(plan);
  checkPasses(passes, loaded, options);
  return { ...plan, bytes, passing };
}

/** The matrix shapes of a planned selection's first `count` samples. */
export function shapesOf(gathering: Gathering, options: StackOptions, count: number) {
  const { depth: layers, resolved } = gathering;
  const { hiddenSize } = resolved.model.config;
  const nothing = { states: new Float32Array(), sections: new Uint8Array(), texts: [] };
  const samples = gathering.tokens
    .slice(0, count)
    .map((tokens) => ({ id: '', about: '', tokens, ...nothing }));
  const gathered: GatheredStates = { layers, hidden: hiddenSize, samples };
  return stacked(gathered, options);
}

type GatheredBy = Pick<Gathering, 'resolved' | 'selection' | 'depth'>;

/** A gathering, and what the model is fed for it. */
interface Pass {
  readonly gathering: Gathering;
  readonly fed: readonly FedSequence[];
}

function passOf(
  { source, seed, span = null }: LensRequest,
  sequences: readonly Sequence[],
  { resolved, selection, depth }: GatheredBy,
  variant: Variant,
  { data }: LoadedModels,
): Pass {
  const sections = SECTIONS.filter((section) => selection.sections.includes(section));
  const fed = fedSequences(resolved, sequences, sections, { variant, seed, span });
  const key = JSON.stringify([
    resolved.key,
    source,
    source.kind === 'rows' ? data?.key : 0,
    sections,
    variant,
    variant === 'random-tokens' ? seed : 0,
    span,
  ]);
  const tokens = fed.map((one) => chosenPositions(one, sections, span).length);
  const all = sum(fed.map(({ positions }) => positions.length));
  const thinks = fed.some(({ reasons }) => reasons) && feedbackOf(resolved.reasoning) !== undefined;
  const run = thinks || resolved.model.onnx ? resolved.model.config.layers : depth;
  const columns = resolved.model.onnx ? all : columnsRun(bucketsOf(fed, resolved, allLayers(depth)));
  const own = { key, resolved, selection: { ...selection, sections }, variant };
  return { gathering: { ...own, tokens, fed: all, columns, depth, run }, fed };
}

/** @throws MemoryError for a pass that would not fit on the provider */
function checkPasses(
  passes: readonly Pass[],
  { provider }: Pick<LoadedModels, 'provider'>,
  { cache }: Pick<PlanOptions, 'cache'>,
): void {
  if (!provider) return;
  for (const { gathering, fed } of passes) {
    const { key, resolved, depth } = gathering;
    if (!cache?.has(key, depth)) refuseUnlessRead(resolved, fed, allLayers(depth), provider);
  }
}

/** Checks the parts that need two selections of comparable models. */
function checkPair({ angles, trajectories }: LensRequest, selections: readonly PlannedSelection[]): void {
  const [a, b] = selections;
  if (!a || !b) return;
  const sizes = [a, b].map(({ resolved }) => resolved.model.config.hiddenSize) as [number, number];
  for (const [asked, what] of [
    [angles > 0, 'angles'],
    [trajectories !== null, 'trajectories'],
  ] as const)
    if (asked && sizes[0] !== sizes[1])
      throw new InputError(
        `${what} of hidden sizes ${sizes[0]} (${a.resolved.label}) and ${sizes[1]} (${b.resolved.label}); the same hidden size is expected`,
        `Leave out the ${what}, or choose models with the same hidden size.`,
      );
  if (angles === 0) return;
  if (a.layers.length !== b.layers.length)
    throw new InputError(
      `angles compare layer by layer; the ${a.resolved.label} has ${a.layers.length} layers, the ${b.resolved.label} ${b.layers.length}`,
      'Choose layers that both have.',
    );
  const rows = Math.min(...[a, b].map(({ tokens }) => sum(tokens)));
  const largest = Math.min(sizes[0], rows);
  if (angles > largest)
    throw new InputError(
      `angles of ${angles} directions; hidden size ${sizes[0]} and ${rows} tokens per layer allow ${largest}`,
      `Ask for ${largest} or fewer, or choose more samples.`,
    );
}

function checkPoints({ request, selections, sequences }: Parts): void {
  if (!request.trajectories) return;
  const points = (n: number): number =>
    sum(selections.map(({ tokens, layers }) => sum(tokens.slice(0, n)) * layers.length));
  const all = points(sequences.length);
  if (all <= MAX_POINTS) return;
  const fitting = largestFitting(sequences.length, (n) => points(n) <= MAX_POINTS);
  const samples = fitting > 0 ? `Choose ${fitting} samples or fewer, fewer layers` : 'Choose fewer layers';
  throw new MemoryError(
    `trajectories of ${all} points; ${MAX_POINTS} is the limit`,
    `${samples}, or leave out the trajectories.`,
  );
}

/** With the first n of each selection's layers. */
function ofLayers<T extends Parts>(parts: T, n: number): T {
  const selections = parts.selections.map((one) => {
    const layers = one.layers.slice(0, n);
    return { ...one, layers, depth: Math.max(...layers) };
  });
  const { depth } = selections[0] as PlannedSelection;
  const variants = new Map([...parts.variants].map(([control, one]) => [control, { ...one, depth }]));
  return { ...parts, selections, variants };
}

/** The first n of the layers that are asked for. */
function layersInWords({ selections }: Parts, n: number): string {
  const longest = selections.reduce((a, b) => (b.layers.length > a.layers.length ? b : a));
  const layers = longest.layers.slice(0, n);
  return layers.at(-1) === n ? firstLayers(n) : `${n === 1 ? 'layer' : 'layers'} ${layers.join(', ')}`;
}

/** For the first n samples: hidden states, and the largest working copies made at one time. */
function memoryOf(
  { request, selections, variants }: Parts,
  n: number,
  { device, keptBytes = KEPT_BYTES }: PlanOptions,
): Pick<LensPlan, 'bytes' | 'passing'> {
  const statesOf = ({ tokens, resolved, depth }: Gathering): number[] =>
    tokens.slice(0, n).map((count) => count * depth * resolved.model.config.hiddenSize * 4);
  const kept = sum(selections.flatMap(statesOf));
  const controls = [...variants.values()].map(statesOf);
  const passing = controls.length > 0 && kept + sum(controls.flat()) > keptBytes;
  const passed = controls.map((bytes) =>
    request.stack === 'sample' ? Math.max(...bytes) + BATCH_BYTES : sum(bytes),
  );
  const working = selections.map((selection) => {
    const { layers, tokens, resolved } = selection;
    const H = resolved.model.config.hiddenSize;
    const shapes = (stack: StackOptions['stack']) => shapesOf(selection, { stack, layers, centre: false }, n);
    const [asked, byLayer] = [shapes(request.stack), shapes('layer')];
    const angles = request.angles > 0 ? 2 * sum(tokens.slice(0, n)) * H * 4 : 0;
    const side = Math.max(...[...asked, ...byLayer].map(({ rows }) => Math.min(rows, H)));
    // Gram matrix of the hidden mode, the copy that its reduction works on, and eigenvectors, in float64.
    const modes = request.tucker || request.trajectories ? 3 * H * H * 8 : 0;
    // A decomposition works on a copy of its input, or on the Gram matrix of the shorter side and a copy of that, in float64.
    const lot = Math.max(largestLot(asked, H, device), largestLot(byLayer, H, device));
    return 2 * Math.max(lot, angles) + 2 * side * side * 8 + modes;
  });
  const states = kept + (passing ? Math.max(...passed) : sum(controls.flat()));
  return { bytes: states + Math.max(...working), passing };
}

/** The largest n up to `count` for which `fits` holds (it must be monotonic); 0 if it never does. */
function largestFitting(count: number, fits: (n: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const show = (bytes: number): string =>
  bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
