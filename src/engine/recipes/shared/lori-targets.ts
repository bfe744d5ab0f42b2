import type { ConfigOf } from '../../../contract/config';
import { anchorFactors, layerStd, scaledLayerFactor, teacherFactors } from '../../analysis/lori-factors';
import type { Pace } from '../../analysis/pace';
import { ConfigError } from '../../base/errors';
import type { DecoderConfig } from '../../nn/config';
import type { StateLoss } from '../../train/losses/state-loss';
import { anchorLoss } from './losses/anchor';
import { momentLoss } from './losses/moments';
import type { Targets } from './recipe';
import { anchorTensor, type TeacherStates } from './teacher';

/** What every part of LoRi's targets is made of. */
interface Of {
  readonly config: ConfigOf<'lori'>;
  readonly L: number;
  readonly H: number;
  readonly teacher: readonly TeacherStates[];
  /** What each layer is divided by, [L]. */
  readonly scale: Float32Array<ArrayBuffer>;
  readonly ranksUsed: Record<string, number>;
}

/** Most directions, r_L · r_H, that the moment kernels take. */
const MAX_DIRECTIONS = 512;

/** @throws ConfigError for ranks that the model has no room for */
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

/** LoRi's losses on the moments of the thoughts and on the anchor; one of weight 0 is not made. */
export async function loriTargets(
  config: ConfigOf<'lori'>,
  model: DecoderConfig,
  teacher: readonly TeacherStates[],
  pace: Pace,
): Promise<Targets> {
  const { weights, factors } = config;
  const { layers: L, hiddenSize: H } = model;
  const wanted = { moments: weights.covariance > 0 || weights.mean > 0, anchor: weights.anchor > 0 };
  if (!wanted.moments && !wanted.anchor) return { losses: {} };
  const rationales = teacher.map((t) => t.rationale);
  const scale = factors.normaliseLayers ? layerStd(rationales, L, H) : new Float32Array(L).fill(1);
  const ranksUsed: Record<string, number> = {};
  const of = { config, L, H, teacher, scale, ranksUsed };
  const moments = wanted.moments ? await momentsOf(of, pace) : undefined;
  return { losses: { moments, anchor: wanted.anchor ? await anchorOf(of, pace) : undefined }, ranksUsed };
}

/** A rank as it is used; one that was cut is noted. */
function cut({ ranksUsed }: Of, path: string, asked: number, most: number): number {
  if (asked > most) ranksUsed[path] = most;
  return Math.min(asked, most);
}

/**
 * r_H cut to the rows that span the subspace: the directions past them are whatever rounding makes them, another on
 * every machine. All H directions are a basis of everything, whichever they are.
 */
const spanned = (of: Of, path: string, rank: number, rows: number): number =>
  cut(of, path, rank, rank >= of.H ? of.H : Math.min(of.H, rows));

async function momentsOf(of: Of, pace: Pace): Promise<StateLoss> {
  const { config, L, H, teacher, scale } = of;
  const { scope } = config.factors;
  const layerRank = cut(of, 'factors.layerRank', config.factors.layerRank, L);
  const tokens = teacher.map((t) => t.tokens);
  const spanning = scope === 'sample' ? Math.min(...tokens) : tokens.reduce((n, N) => n + N, 0);
  const hiddenRank = spanned(of, 'factors.hiddenRank', config.factors.hiddenRank, spanning * L);
  const factors = await pace.run(
    teacherFactors(
      teacher.map((t) => t.rationale),
      L,
      H,
      { rankL: layerRank, rankH: hiddenRank, scope, layerScale: scale },
    ),
  );
  return momentLoss(
    {
      layerRank,
      hiddenRank,
      layerFactor: scaledLayerFactor(factors.uL, factors.layerScale, layerRank),
      hiddenFactor: factors.uH,
      perSample: scope === 'sample',
      mean: factors.mu,
      covariance: factors.c,
    },
    config.weights,
    { layers: L, hidden: H },
  );
}

async function anchorOf(of: Of, pace: Pace): Promise<StateLoss> {
  const { config, L, H, teacher, scale } = of;
  const { sampleRank, layerRank, hiddenRank, hooi } = config.factors.anchor;
  const path = 'factors.anchor';
  const rank = spanned(of, `${path}.hiddenRank`, hiddenRank, teacher.length * L);
  const steps = anchorFactors(anchorTensor(teacher), L, H, {
    rankB: cut(of, `${path}.sampleRank`, sampleRank, teacher.length),
    rankL: cut(of, `${path}.layerRank`, layerRank, L),
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
