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
  const { name, temperature = 1 } = head;
  const key = `stop ${name} at ${temperature}`;
  const read = decoder.read(key, () => stopProgram(decoder.shape, head), state.tensors);
  const odds = (await values(read)).odds as Float32Array;
  const bad = odds.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0)
    throw new NumericError(
      `the stop head's value in sequence ${bad + 1} is ${odds[bad]}`,
      'The weights have diverged: train again with a lower learning rate.',
    );
  return odds;
}

/** Rows that stopped reasoning after the same number of latents. */
export interface Branch {
  /** The state of all rows, only some of which belong to the branch; disposed of after the visit. */
  readonly state: DecoderState;
  readonly rows: readonly number[];
  /** Number of latents fed by the stage that stops; 0 for a reasoning without one. */
  readonly latents: number;
}

export interface BranchOptions {
  readonly step?: StepOptions;
  readonly signal?: AbortSignal;
  /**
   * Whether rows stop, given their log-odds of stopping, and the number of latents so far; by default they
   * stop where that is more probable. Not called below the minimum or at the maximum.
   */
  readonly stops?: (odds: Float32Array, latents: number) => readonly boolean[];
}

/**
 * Feeds a reasoning in which rows may stop after different numbers of latents, and visits the rows of each
 * number with the state before the answer prompt. Nothing a row sees depends on when others stop. The given
 * state is disposed of.
 */
export async function reasonInBranches(
  decoder: Decoder,
  from: DecoderState,
  reasoning: Reasoning,
  options: BranchOptions,
  visit: (branch: Branch) => Promise<void>,
): Promise<void> {
  const all = Array.from({ length: decoder.shape.batch }, (_, b) => b);
  const { stage, toLatents, stopped } = feeding(decoder, reasoning, options);
  let at: Reasoned = { state: from, fed: 0 };
  try {
    at = await toLatents(at, 0);
    if (!stage) return await visit({ state: at.state, rows: all, latents: 0 });
    let going = all;
    for (let t = 0; going.length > 0; t++) {
      const rows = await rowsThatStop(decoder, at.state, stage, { going, latents: t }, options);
      going = going.filter((row) => !rows.includes(row));
      if (rows.length > 0) await stopped(at, (state) => visit({ state, rows, latents: t }));
      if (going.length > 0) at = await toLatents(at, t + 1);
    }
  } finally {
    at.state.dispose();
  }
}

/** All rows as if they stopped reasoning after this many latents. */
export interface EveryStop {
  /** Before the answer prompt; disposed of after the visit. */
  readonly state: DecoderState;
  readonly latents: number;
  /** Log-odds of stopping here, [B], whether or not the head would be asked. */
  readonly odds: Float32Array;
}

/**
 * Visits all rows of a reasoning that stops by itself as if each stopped after 0, 1, …, the maximum number of
 * latents. The given state is disposed of. @throws RuntimeError for a reasoning without a stage that stops
 */
export async function atEveryStop(
  decoder: Decoder,
  from: DecoderState,
  reasoning: Reasoning,
  options: Omit<BranchOptions, 'stops'>,
  visit: (at: EveryStop) => Promise<void>,
): Promise<void> {
  const { stage, toLatents, stopped } = feeding(decoder, reasoning, options);
  if (!stage) throw new RuntimeError('a reasoning without a stage that stops by itself', BUG);
  let at: Reasoned = { state: from, fed: 0 };
  try {
    for (let latents = 0; latents <= stage.steps; latents++) {
      at = await toLatents(at, latents);
      const odds = await stopOdds(decoder, at.state, stage.stop.head);
      await stopped(at, (state) => visit({ state, latents, odds }));
    }
  } finally {
    at.state.dispose();
  }
}

type StoppingStage = LatentsStage & Required<Pick<LatentsStage, 'stop'>>;

/** Functions that feed a reasoning up to the stage that stops, through it, and on from wherever it stops. */
function feeding(decoder: Decoder, reasoning: Reasoning, { step, signal }: Omit<BranchOptions, 'stops'>) {
  const { stages } = reasoning;
  const index = stages.findIndex(stopsIn);
  /** Undefined for a reasoning without one. */
  const stage = stages[index] as StoppingStage | undefined;
  const first = positionsIn({ ...reasoning, stages: stage ? stages.slice(0, index) : stages });
  const feed = (at: Reasoned, to?: number) => reasonFrom(decoder, at, reasoning, { to, step, signal });
  return {
    stage,
    /** Feeds that stage up to this many latents; the previous state is disposed of. */
    async toLatents(at: Reasoned, latents: number): Promise<Reasoned> {
      const after = await feed(at, first + latents);
      if (after.state !== at.state) at.state.dispose();
      return after;
    },
    /**
     * Runs `work` with the state before the answer prompt as if the stage stopped here; the given state
     * stays.
     */
    async stopped({ state }: Reasoned, work: (last: DecoderState) => Promise<void>): Promise<void> {
      const last = await feed({ state, fed: first + (stage?.steps ?? 0) });
      try {
        await work(last.state);
      } finally {
        if (last.state !== state) last.state.dispose();
      }
    },
  };
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
