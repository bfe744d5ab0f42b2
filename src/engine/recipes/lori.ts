import type { ConfigOf } from '../../contract/config';
import { anchorFactors, layerStd, scaledLayerFactor, teacherFactors } from '../analysis/lori-factors';
import type { DecoderConfig } from '../nn/config';
import { anchorLoss } from '../train/losses/anchor';
import { momentLoss } from '../train/losses/moments';
import type { TeacherStates } from '../train/teacher';
import { anchorTensor, type Recipe } from './shared/recipe';

type Config = ConfigOf<'lori'>;

/**
 * LoRi: L = ω_C‖C_S − C_T‖² + ω_μ‖μ_S − μ_T‖² + β·L_anchor + λ·L_CE (LoRi §3.1–3.3). The teacher is read once; only its
 * factors, (μ_T, C_T) and anchor targets are kept. Ours: the division of each layer by the teacher's std, and ranks cut
 * to what the model and the number of samples allow.
 */
export const lori: Recipe<Config> = {
  usesTeacher: true,
  latentSteps: (config) => config.latent.steps,
  stateLosses: (config, model, teacher) => {
    const scale = layerScale(config, model, teacher);
    return [moments(config, model, teacher, scale), anchor(config, model, teacher, scale)];
  },
};

/**
 * r_H cut to the rows that span the subspace: the directions past them are whatever rounding makes them, another on
 * every machine. All H directions are a basis of everything, whichever they are.
 */
const spannedRank = (rank: number, hidden: number, rows: number): number =>
  rank >= hidden ? hidden : Math.min(rank, rows);

/** What each layer is divided by, [L]. */
type Scale = Float32Array<ArrayBuffer>;

function layerScale(config: Config, model: DecoderConfig, teacher: readonly TeacherStates[]): Scale {
  return config.factors.normaliseLayers
    ? layerStd(
        teacher.map((t) => t.rationale),
        model.layers,
        model.hiddenSize,
      )
    : new Float32Array(model.layers).fill(1);
}

function moments(config: Config, model: DecoderConfig, teacher: readonly TeacherStates[], layerScale: Scale) {
  const { layers, hiddenSize: hidden } = model;
  const layerRank = Math.min(config.factors.layerRank, layers);
  const { scope } = config.factors;
  const tokens = teacher.map((t) => t.tokens);
  const spanning = scope === 'sample' ? Math.min(...tokens) : tokens.reduce((n, N) => n + N, 0);
  const hiddenRank = spannedRank(config.factors.hiddenRank, hidden, spanning * layers);
  const factors = teacherFactors(
    teacher.map((t) => t.rationale),
    layers,
    hidden,
    { rankL: layerRank, rankH: hiddenRank, scope, layerScale },
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
    { layers, hidden },
  );
}

function anchor(config: Config, model: DecoderConfig, teacher: readonly TeacherStates[], layerScale: Scale) {
  const { layers, hiddenSize: hidden } = model;
  const { sampleRank, layerRank, hiddenRank, hooi } = config.factors.anchor;
  const rank = spannedRank(hiddenRank, hidden, teacher.length * layers);
  const factors = anchorFactors(anchorTensor(teacher), layers, hidden, {
    rankB: Math.min(sampleRank, teacher.length),
    rankL: Math.min(layerRank, layers),
    rankH: rank,
    hooi,
    layerScale,
  });
  return anchorLoss(
    {
      rank,
      hiddenFactor: factors.uH,
      projected: factors.target,
      inverseScale: factors.layerScale.map((x) => 1 / x),
    },
    config.weights.anchor,
    { layers, hidden },
  );
}
