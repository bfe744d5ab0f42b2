import type { Control, Spectrum } from '../../../contract/lens';
import { gaussian, shuffled } from '../../analysis/controls';
import type { GatheredStates, SampleStates } from '../../analysis/gathered';
import { allLayers, checkGathered } from '../../analysis/rows';
import { type StackedMatrix, stacked } from '../../analysis/stacks';
import { throwIfCancelled } from '../../base/errors';
import type { DeviceModels } from '../models/device-models';
import { parametersOf } from '../models/pair';
import type { PhaseClock } from '../runs/clock';
import { gatherStates } from '../states/states';
import type { LensPace } from './pace';
import { type Gathering, type LensPlan, MAX_LENS_BYTES, type PlannedSelection } from './plan';
import type { StatesCache } from './states-cache';

/** Decomposes matrices of width H. */
export type Spectra = (matrices: readonly StackedMatrix[], hidden: number) => Promise<readonly Spectrum[]>;

export interface GatherContext {
  readonly models: DeviceModels;
  readonly cache: StatesCache;
  readonly pace: LensPace;
  readonly clock: PhaseClock;
  readonly signal: AbortSignal | undefined;
}

/** What was gathered: states by key, and the spectra of controls whose states were not kept. */
export interface Gathered {
  readonly states: ReadonlyMap<string, GatheredStates>;
  readonly passed: ReadonlyMap<Control, readonly Spectrum[]>;
}

/** Multiply–adds of reading with the model: the weights of the layers that are run, once per column. */
export function readingWork({ resolved, columns, run }: Gathering): number {
  const { config } = resolved.model;
  const embedded = config.vocabSize * config.hiddenSize * (config.tieWordEmbeddings ? 1 : 2);
  return (columns * (parametersOf(config) - embedded) * run) / config.layers;
}

/** A plan's gatherings that are kept, without duplicates. */
export function keptOf({ selections, variants, passing }: LensPlan): Map<string, Gathering> {
  const kept = passing ? selections : [...selections, ...variants.values()];
  return new Map(kept.map((one) => [one.key, one]));
}

/**
 * The hidden states of everything planned, from the cache where possible. Those of passing controls go to
 * `spectra` as they arrive.
 * @throws NumericError naming a sample whose hidden states are not finite, CancelledError
 */
export async function gatherAll(context: GatherContext, plan: LensPlan, spectra: Spectra): Promise<Gathered> {
  const { cache, clock, pace, signal } = context;
  const { variants, passing, sequences, bytes } = plan;
  const kept = keptOf(plan);
  // States cached for other requests must leave room for this one.
  cache.shrink(new Map([...kept].map(([key, { depth }]) => [key, depth])), MAX_LENS_BYTES - bytes);
  const missing =
    [...kept].filter(([key, { depth }]) => !cache.has(key, depth)).length + (passing ? variants.size : 0);
  const total = missing * sequences.length;
  const states = new Map<string, GatheredStates>();
  const passed = new Map<Control, readonly Spectrum[]>();
  clock.begin('states');
  let before = 0;
  const read = async (gathering: Gathering, take?: (sample: SampleStates, index: number) => unknown) => {
    const done = before;
    before += sequences.length;
    const { resolved, selection, variant, depth } = gathering;
    return gatherStates(context.models, resolved, sequences, selection.sections, {
      variant,
      seed: plan.request.seed,
      span: plan.request.span,
      layers: allLayers(depth),
      signal,
      take,
      onProgress: (now) => clock.tell(done + now, total, 'samples'),
    });
  };
  for (const [key, gathering] of kept) {
    throwIfCancelled(signal, 'the lens');
    let gathered = cache.get(key, gathering.depth);
    if (!gathered) {
      const start = performance.now();
      gathered = await read(gathering);
      pace.note('reading', readingWork(gathering), (performance.now() - start) / 1000);
      checkGathered(gathered, plan.request.span?.first);
      cache.put(key, gathering.resolved.kind, gathered);
    }
    states.set(key, gathered);
  }
  if (passing)
    for (const [control, gathering] of variants) {
      throwIfCancelled(signal, 'the lens');
      passed.set(control, await pass(plan, control, gathering, read, spectra));
    }
  return { states, passed };
}

type Read = (
  gathering: Gathering,
  take?: (sample: SampleStates, index: number) => unknown,
) => Promise<GatheredStates>;

/** The spectra of one control, whose hidden states are released sample by sample, or as a whole if samples are stacked. */
async function pass(
  plan: LensPlan,
  control: Control,
  gathering: Gathering,
  read: Read,
  spectra: Spectra,
): Promise<readonly Spectrum[]> {
  const { depth: layers, resolved } = gathering;
  const { hiddenSize: hidden } = resolved.model.config;
  const of = (gathered: GatheredStates) => {
    checkGathered(gathered, plan.request.span?.first);
    return spectra(controlMatrices(plan, control, gathered), hidden);
  };
  if (plan.request.stack !== 'sample') return of(await read(gathering));
  const found = new Array<Spectrum>(gathering.tokens.length);
  await read(gathering, async (sample, index) => {
    [found[index]] = (await of({ layers, hidden, samples: [sample] })) as [Spectrum];
  });
  return found;
}

/**
 * The matrices of a control; those that need no hidden states of their own are made from the first
 * selection's.
 */
export function controlMatrices(
  { request, selections }: LensPlan,
  control: Control,
  gathered: GatheredStates,
): StackedMatrix[] {
  const { stack, centre, seed } = request;
  const { layers } = selections[0] as PlannedSelection;
  const matrices = stacked(gathered, { stack, layers, centre });
  if (control === 'shuffled') return shuffled(matrices, gathered.hidden, seed);
  if (control === 'gaussian') return gaussian(matrices, gathered.hidden, seed, centre);
  return matrices;
}
