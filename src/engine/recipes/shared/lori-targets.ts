import type { ConfigOf } from '../../../contract/config';
import {
  anchorFactors,
  layerStd,
  sampleMoments,
  scaledLayerFactor,
  type TeacherFactors,
  teacherFactors,
} from '../../analysis/lori-factors';
import type { Pace } from '../../analysis/pace';
import { ownFactors, type SharedFactors, StateSums, sumsBytes } from '../../analysis/streamed-factors';
import { ConfigError } from '../../base/errors';
import type { DecoderConfig } from '../../nn/config';
import type { StateLoss } from '../../train/losses/state-loss';
import { anchorLoss } from './losses/anchor';
import { momentLoss } from './losses/moments';
import type { Targets } from './recipe';
import { allStates, anchorTensor, type TeacherReader } from './teacher';

/** What LoRi's targets are derived from, and which are wanted. */
interface Setup {
  readonly config: ConfigOf<'lori'>;
  readonly L: number;
  readonly H: number;
  /** The parts of L_LR whose weights are not all 0. */
  readonly wanted: { readonly rationale: boolean; readonly anchor: boolean };
  /** Ranks that had to be reduced, by path of the setting; filled in on the way. */
  readonly ranksUsed: Record<string, number>;
}

/** What is kept of the teacher: the statistics that the losses compare with. */
interface TeacherStatistics {
  /** What each layer is divided by, [L]. */
  readonly scale: Float32Array<ArrayBuffer>;
  /** States at the anchor, [n, L, H]; empty where they are not wanted. */
  readonly anchors: Float32Array<ArrayBuffer>;
  /** U_L, U_H, μ_T and C_T with their ranks. */
  readonly rationale?: RationaleStatistics | undefined;
}

type RationaleStatistics = Ranks & Pick<TeacherFactors, 'uL' | 'uH' | 'mu' | 'c'>;

interface Ranks {
  readonly rankL: number;
  readonly rankH: number;
}

/** Maximum number of directions, r_L · r_H, that the moment kernels take. */
const MAX_DIRECTIONS = 512;

/** @throws ConfigError for ranks beyond the model's size */
export function checkRanks({ factors }: ConfigOf<'lori'>, { layers, hiddenSize }: DecoderConfig): void {
  const { layerRank, hiddenRank, anchor } = factors;
  const refuse = (what: string, limit: string): never => {
    throw new ConfigError(`${what}; ${limit}`, 'Change the value in the run’s settings.');
  };
  if (layerRank > layers) refuse(`r_L is ${layerRank}`, `this model has ${layers} layers`);
  const width = `this model's hidden size is ${hiddenSize}`;
  if (hiddenRank > hiddenSize) refuse(`r_H is ${hiddenRank}`, width);
  if (anchor.hiddenRank > hiddenSize) refuse(`r_H of the anchor is ${anchor.hiddenRank}`, width);
  if (layerRank * hiddenRank > MAX_DIRECTIONS)
    refuse(`r_L · r_H is ${layerRank * hiddenRank}`, `at most ${MAX_DIRECTIONS} is supported`);
}

/** L_rationale and L_anchor with their targets (LoRi §3.2, §3.3), without those of weight 0. */
export async function loriTargets(
  config: ConfigOf<'lori'>,
  model: DecoderConfig,
  teacher: TeacherReader,
  pace: Pace,
): Promise<Targets> {
  const { layers: L, hiddenSize: H } = model;
  const wanted = wantedBy(config);
  if (!wanted.rationale && !wanted.anchor) return { losses: {} };
  const ranksUsed: Record<string, number> = {};
  const setup = { config, L, H, wanted, ranksUsed };
  const ranks = wanted.rationale ? rationaleRanks(setup, teacher.tokens) : undefined;
  const statistics = teacher.holds
    ? await statisticsOfAll(setup, teacher, ranks, pace)
    : await streamedStatistics(setup, teacher, ranks, pace);
  const { rationale, scale } = statistics;
  return {
    losses: {
      rationale: rationale && rationaleLoss(setup, rationale, scale),
      anchor: wanted.anchor ? await anchorLossOf(setup, statistics, pace) : undefined,
    },
    ranksUsed,
  };
}

/**
 * Where its states are not held the teacher is read for the sums of all samples, then for each one's moments in what they
 * span. A subspace for each sample needs the first reading for the layers' spread alone.
 */
export function loriStreamed(
  config: ConfigOf<'lori'>,
  { layers, hiddenSize }: DecoderConfig,
  samples: number,
) {
  const { scope, normaliseLayers, layerRank, hiddenRank } = config.factors;
  const sums = scope === 'shared' ? sumsBytes(layers, hiddenSize, normaliseLayers) : 0;
  const rank = layerRank * hiddenRank;
  // μ_T and C_T of each sample, and its factors where they are its own.
  const each = rank + rank ** 2 + (scope === 'sample' ? layers * layerRank + hiddenSize * hiddenRank : 0);
  const bytes = sums + samples * each * Float32Array.BYTES_PER_ELEMENT;
  return { readings: readings(config), bytes: wantedBy(config).rationale ? bytes : 0 };
}

const readings = (config: ConfigOf<'lori'>): 1 | 2 => {
  const { scope, normaliseLayers } = config.factors;
  return wantedBy(config).rationale && (scope === 'shared' || normaliseLayers) ? 2 : 1;
};

const wantedBy = ({ weights }: ConfigOf<'lori'>): Setup['wanted'] => ({
  rationale: weights.covariance > 0 || weights.mean > 0,
  anchor: weights.anchor > 0,
});

const ones = (layers: number): Float32Array<ArrayBuffer> => new Float32Array(layers).fill(1);

/** From the states of all samples at once. */
async function statisticsOfAll(
  { config, L, H, wanted }: Setup,
  teacher: TeacherReader,
  ranks: Ranks | undefined,
  pace: Pace,
): Promise<TeacherStatistics> {
  const all = await allStates(teacher);
  const { scope, normaliseLayers } = config.factors;
  const rationales = all.map((t) => t.rationale);
  const scale = normaliseLayers ? layerStd(rationales, L, H) : ones(L);
  const options = { ...(ranks as Ranks), scope, layerScale: scale };
  const rationale = ranks && {
    ...ranks,
    ...(await pace.run(teacherFactors(rationales, L, H, options))),
  };
  return { scale, anchors: wanted.anchor ? anchorTensor(all) : new Float32Array(), rationale };
}

/** From one sample's states at a time. */
async function streamedStatistics(
  { config, L, H, wanted }: Setup,
  teacher: TeacherReader,
  ranks: Ranks | undefined,
  pace: Pace,
): Promise<TeacherStatistics> {
  const { scope, normaliseLayers } = config.factors;
  const n = teacher.tokens.length;
  const anchors = new Float32Array(wanted.anchor ? n * L * H : 0);
  const keep = (anchor: Float32Array, sample: number): void => {
    if (wanted.anchor) anchors.set(anchor, sample * L * H);
  };
  const isShared = ranks !== undefined && scope === 'shared';
  const sums = new StateSums(L, H, { grams: isShared, scaled: normaliseLayers });
  if (!ranks || readings(config) > 1)
    await teacher.each(async ({ rationale, anchor }, sample) => {
      keep(anchor, sample);
      await pace.run(sums.add(rationale, sample));
    });
  const scale = normaliseLayers ? sums.std() : ones(L);
  if (!ranks) return { scale, anchors };
  const sizes = { ...ranks, layers: L, hidden: H, layerScale: scale };
  const shared = isShared ? await pace.run(sums.factors(sizes)) : undefined;
  const rank = ranks.rankL * ranks.rankH;
  const lead = shared ? 0 : n;
  const own = {
    uL: new Float32Array(lead * L * ranks.rankL),
    uH: new Float32Array(lead * H * ranks.rankH),
    mu: new Float32Array(n * rank),
    c: new Float32Array(n * rank * rank),
  };
  await teacher.each(async ({ rationale, anchor }, sample) => {
    keep(anchor, sample);
    const alone = shared ? undefined : await pace.run(ownFactors(rationale, sizes));
    const { mu, c } = alone ?? sampleMoments(rationale, shared as SharedFactors, sizes);
    own.mu.set(mu, sample * rank);
    own.c.set(c, sample * rank * rank);
    if (alone) {
      own.uL.set(alone.uL, sample * alone.uL.length);
      own.uH.set(alone.uH, sample * alone.uH.length);
    }
    await pace.yieldToEventLoop();
  });
  return { scale, anchors, rationale: { ...ranks, ...own, ...shared } };
}

/** The rank to use: the requested one, or the largest possible, which is then noted. */
function cappedRank({ ranksUsed }: Setup, path: string, asked: number, max: number): number {
  if (asked > max) ranksUsed[path] = max;
  return Math.min(asked, max);
}

/**
 * r_H reduced to the number of rows that span the subspace: directions beyond those are determined by rounding, and differ
 * between machines. All H directions are a basis of the whole space, whichever they are.
 */
const spannedRank = (setup: Setup, path: string, rank: number, rows: number): number =>
  cappedRank(setup, path, rank, rank >= setup.H ? setup.H : Math.min(setup.H, rows));

/** r_L and r_H of the rationales' factors. @param tokens N of each sample's rationale */
function rationaleRanks(setup: Setup, tokens: readonly number[]): Ranks {
  const { config, L } = setup;
  const { scope, layerRank, hiddenRank } = config.factors;
  const rankL = cappedRank(setup, 'factors.layerRank', layerRank, L);
  const spanning = scope === 'sample' ? Math.min(...tokens) : tokens.reduce((n, N) => n + N, 0);
  return { rankL, rankH: spannedRank(setup, 'factors.hiddenRank', hiddenRank, spanning * L) };
}

/** ω_C‖C_S − C_T‖² + ω_μ‖μ_S − μ_T‖² */
const rationaleLoss = (
  { config, L, H }: Setup,
  { rankL, rankH, uL, uH, mu, c }: RationaleStatistics,
  scale: Float32Array,
): StateLoss =>
  momentLoss(
    {
      layerRank: rankL,
      hiddenRank: rankH,
      layerFactor: scaledLayerFactor(uL, scale, rankL),
      hiddenFactor: uH,
      perSample: config.factors.scope === 'sample',
      mean: mu,
      covariance: c,
    },
    config.weights,
    { layers: L, hidden: H },
  );

/** β·L_anchor, in the hidden mode's subspace of the teacher's anchor states [n, L, H]. */
async function anchorLossOf(
  setup: Setup,
  { anchors, scale }: TeacherStatistics,
  pace: Pace,
): Promise<StateLoss> {
  const { config, L, H } = setup;
  const { sampleRank, layerRank, hiddenRank, hooi } = config.factors.anchor;
  const path = 'factors.anchor';
  const samples = anchors.length / (L * H);
  const rank = spannedRank(setup, `${path}.hiddenRank`, hiddenRank, samples * L);
  // Of HOSVD the hidden mode's subspace depends on its own rank alone: what has no effect is not reported as reduced.
  const other = hooi ? setup : { ...setup, ranksUsed: {} };
  const steps = anchorFactors(anchors, L, H, {
    rankB: cappedRank(other, `${path}.sampleRank`, sampleRank, samples),
    rankL: cappedRank(other, `${path}.layerRank`, layerRank, L),
    rankH: rank,
    hooi,
    layerScale: scale,
  });
  const factors = await pace.run(steps);
  return anchorLoss(
    {
      rank,
      hiddenFactor: factors.uH,
      projected: factors.target,
      inverseScale: factors.layerScale.map((x) => 1 / x),
    },
    config.weights.anchor,
    { layers: L, hidden: H },
  );
}
