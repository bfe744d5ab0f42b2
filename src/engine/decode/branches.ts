import { BUG, NumericError, RuntimeError } from '../base/errors';
import type { StopHeadSpec } from '../nn/modules/stop-head';
import type { Decoder, StepOptions } from './decoder';
import { stopProgram } from './programs';
import { values } from './readout';
import { type Reasoned, reasonFrom } from './reason';
import { type LatentsStage, positionsIn, type Reasoning, stopsIn } from './reasoning';
import type { DecoderState } from './state';

/** Log-odds of stopping after each row's last position, [B]. @throws NumericError if one is NaN or infinite */
export async function stopOdds(
  decoder: Decoder,
  state: DecoderState,
  head: StopHeadSpec,
): Promise<Float32Array> {
  const read = decoder.read(`stop ${head.name}`, () => stopProgram(decoder.shape, head), state.tensors);
  const odds = (await values(read)).odds as Float32Array;
  const bad = odds.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0)
    throw new NumericError(
      `the stop head's value in sequence ${bad + 1} is ${odds[bad]}`,
      'The weights have diverged: train again with a lower learning rate.',
    );
  return odds;
}

/** Probability of log-odds. */
export const probabilityOf = (odds: number): number => 1 / (1 + Math.exp(-odds));

/** Rows that stopped reasoning after the same number of latents. */
export interface Branch {
  /** Of all rows, of which only some belong to the branch; it is disposed of after the visit. */
  readonly state: DecoderState;
  readonly rows: readonly number[];
  /** Latents fed by the stage that stops; 0 of a reasoning that has none. */
  readonly latents: number;
}

export interface BranchOptions {
  readonly step?: StepOptions;
  readonly signal?: AbortSignal;
  /**
   * Whether rows stop, given their log-odds of stopping, and the number of latents so far; by default where stopping is
   * more probable. Not asked below the minimum, nor at the maximum.
   */
  readonly stops?: (odds: Float32Array, latents: number) => readonly boolean[];
}

/**
 * Feeds a reasoning in which rows may stop at lengths of their own, and visits the rows of each length with the state before
 * the answer prompt. Nothing a row sees depends on when others stop. The given state is disposed of.
 */
export async function reasonInBranches(
  decoder: Decoder,
  from: DecoderState,
  reasoning: Reasoning,
  options: BranchOptions,
  visit: (branch: Branch) => Promise<void>,
): Promise<void> {
  const { stages } = reasoning;
  const all = Array.from({ length: decoder.shape.batch }, (_, b) => b);
  const end = positionsIn(reasoning);
  const index = stages.findIndex(stopsIn);
  const first = positionsIn({ ...reasoning, stages: index < 0 ? stages : stages.slice(0, index) });
  const { step, signal } = options;
  const feed = (at: Reasoned, to: number) => reasonFrom(decoder, at, reasoning, { to, step, signal });
  let at: Reasoned = { state: from, fed: 0 };
  try {
    at = replacing(at, await feed(at, first));
    if (index < 0) return await visit({ state: at.state, rows: all, latents: 0 });
    const stage = stages[index] as StoppingStage;
    let going = all;
    for (let t = 0; going.length > 0; t++) {
      const stopping = await rowsThatStop(decoder, at.state, stage, { going, latents: t }, options);
      going = going.filter((row) => !stopping.includes(row));
      if (stopping.length > 0) {
        const last = await feed({ state: at.state, fed: first + stage.steps }, end);
        try {
          await visit({ state: last.state, rows: stopping, latents: t });
        } finally {
          if (last.state !== at.state) last.state.dispose();
        }
      }
      if (going.length > 0) at = replacing(at, await feed(at, first + t + 1));
    }
  } finally {
    at.state.dispose();
  }
}

/** All rows as if they stopped reasoning after so many latents. */
export interface EveryStop {
  /** Before the answer prompt; disposed of after the visit. */
  readonly state: DecoderState;
  readonly latents: number;
  /** Log-odds of stopping here, [B], whether or not the head would be asked. */
  readonly odds: Float32Array;
}

/**
 * Visits all rows of a reasoning that stops by itself as if each stopped after 0, 1, …, the most latents. The given state is
 * disposed of. @throws RuntimeError for a reasoning without a stage that stops
 */
export async function atEveryStop(
  decoder: Decoder,
  from: DecoderState,
  reasoning: Reasoning,
  { step, signal }: Omit<BranchOptions, 'stops'>,
  visit: (at: EveryStop) => Promise<void>,
): Promise<void> {
  const { stages } = reasoning;
  const index = stages.findIndex(stopsIn);
  if (index < 0) throw new RuntimeError('a reasoning without a stage that stops by itself', BUG);
  const stage = stages[index] as StoppingStage;
  const end = positionsIn(reasoning);
  const first = positionsIn({ ...reasoning, stages: stages.slice(0, index) });
  const feed = (at: Reasoned, to: number) => reasonFrom(decoder, at, reasoning, { to, step, signal });
  let at: Reasoned = { state: from, fed: 0 };
  try {
    for (let latents = 0; latents <= stage.steps; latents++) {
      at = replacing(at, await feed(at, first + latents));
      const odds = await stopOdds(decoder, at.state, stage.stop.head);
      const last = await feed({ state: at.state, fed: first + stage.steps }, end);
      try {
        await visit({ state: last.state, latents, odds });
      } finally {
        if (last.state !== at.state) last.state.dispose();
      }
    }
  } finally {
    at.state.dispose();
  }
}

type StoppingStage = LatentsStage & Required<Pick<LatentsStage, 'stop'>>;

function replacing(before: Reasoned, after: Reasoned): Reasoned {
  if (before.state !== after.state) before.state.dispose();
  return after;
}

async function rowsThatStop(
  decoder: Decoder,
  state: DecoderState,
  { steps, stop }: StoppingStage,
  { going, latents }: { readonly going: readonly number[]; readonly latents: number },
  { stops = byOdds }: BranchOptions,
): Promise<number[]> {
  if (latents >= steps) return [...going];
  if (latents < stop.min) return [];
  const chosen = stops(await stopOdds(decoder, state, stop.head), latents);
  return going.filter((row) => chosen[row]);
}

const byOdds = (odds: Float32Array): boolean[] => Array.from(odds, (x) => x > 0);
