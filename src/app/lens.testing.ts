/**
 * Reports of the lens for tests of the page: hidden states drawn from a seeded generator, of low rank and some noise, and
 * everything said of them computed from them, by means that are slow and plain. Never part of a build.
 */
import {
  type CausalPoint,
  type CausalReport,
  type CausalRequest,
  type Control,
  ENERGY_SHARES,
  type EnergyRanks,
  type LensReport,
  type LensRequest,
  SECTIONS,
  type Selection,
  type SelectionReport,
  type Spectrum,
  type TuckerReport,
} from '../contract/lens';

const L = 6;
const H = 24;
/** Directions that the made states have, besides noise. */
const RANK = 5;

/** mulberry32, and normal numbers from it. */
function generator(seed: number) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

type Rows = number[][];

interface Sample {
  readonly id: string;
  readonly about: string;
  readonly tokens: readonly string[];
  /** [tokens][layers][H] */
  readonly states: number[][][];
}

/** Eigenvalues, descending, and vectors as rows, of a symmetric matrix: cyclic Jacobi. */
function eigen(matrix: Rows): { values: number[]; vectors: Rows } {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0) as number));
  for (let sweep = 0; sweep < 12; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p]![q]!) < 1e-14) continue;
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (const rows of [a, v])
          for (const row of rows) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
        for (let k = 0; k < n; k++)
          [a[p]![k], a[q]![k]] = [c * a[p]![k]! - s * a[q]![k]!, s * a[p]![k]! + c * a[q]![k]!];
      }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return {
    values: order.map((i) => Math.max(0, a[i]![i]!)),
    vectors: order.map((i) => v.map((row) => row[i]!)),
  };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const gram = (rows: Rows): Rows =>
  rows[0]!.map((_, i) => rows[0]!.map((__, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)));

function ranksOf(sigma: readonly number[]) {
  const total = sigma.reduce((a, b) => a + b, 0);
  const energy = sigma.reduce((sum, s) => sum + s * s, 0);
  const rank = (share: number) => {
    let part = 0;
    let r = 0;
    while (part < share * energy) part += sigma[r++]! ** 2;
    return r;
  };
  return {
    effectiveRank: Math.exp(-sigma.reduce((h, s) => (s > 0 ? h + (s / total) * Math.log(s / total) : h), 0)),
    stableRank: energy / sigma[0]! ** 2,
    energyRanks: ENERGY_SHARES.map(rank) as unknown as EnergyRanks,
  };
}

function spectrumOf(rows: Rows, label: string, about: string, tokens: number): Spectrum {
  const sigma = eigen(gram(rows)).values.map(Math.sqrt).slice(0, Math.min(rows.length, H));
  const total = sigma.reduce((a, b) => a + b, 0);
  let sum = 0;
  return {
    label,
    about,
    tokens,
    rows: rows.length,
    sigma: Float32Array.from(sigma),
    cumulative: Float32Array.from(sigma, (s) => {
      sum += s;
      return sum / total;
    }),
    ...ranksOf(sigma),
  };
}

const WORDS = ['12', '*', '3', '=', '36', ' ', '<<', '>>', '+', '<s>', 'The', ':'];

function samplesOf({ subject, sections }: Selection, ids: readonly string[]): Sample[] {
  const base = { teacher: 1, base: 2, student: 3, opened: 4 }[subject.kind];
  const directions = generator(99);
  const shared = Array.from({ length: RANK }, () => Array.from({ length: H }, directions.normal));
  return ids.map((id, index) => {
    const { uniform, normal } = generator(1000 * base + index);
    const count = sections.includes('latent') ? 4 : 8 + Math.floor(uniform() * 12);
    let at = Array.from({ length: RANK }, normal);
    const states = Array.from({ length: count }, () => {
      at = at.map((x) => 0.8 * x + 0.6 * normal());
      return Array.from({ length: L }, (_, l) =>
        Array.from(
          { length: H },
          (__, h) =>
            at.reduce((sum, x, k) => sum + x * 3 ** -k * shared[k]![h]! * (1 + 0.2 * l), 0) +
            0.03 * (1 + l) * normal(),
        ),
      );
    });
    const tokens = states.map((_, t) =>
      sections.includes('latent') ? `z${t + 1}` : WORDS[(t + index) % WORDS.length]!,
    );
    return { id, about: `Mia has ${3 + index} boxes of pens. How many pens are left?`, tokens, states };
  });
}

const meanOff = (rows: Rows): Rows => {
  const mean = rows[0]!.map((_, h) => rows.reduce((sum, row) => sum + row[h]!, 0) / rows.length);
  return rows.map((row) => row.map((x, h) => x - mean[h]!));
};

function matrices(samples: readonly Sample[], { stack, layers, centre }: LensRequest) {
  const chosen = layers ?? Array.from({ length: L }, (_, l) => l + 1);
  const at = (states: number[][]) => chosen.map((layer) => states[layer - 1]!);
  const tokens = samples.reduce((sum, s) => sum + s.tokens.length, 0);
  const all =
    stack === 'sample'
      ? samples.map((s) => ({
          label: s.id,
          about: s.about,
          tokens: s.tokens.length,
          rows: s.states.flatMap(at),
        }))
      : stack === 'layer'
        ? chosen.map((layer) => ({
            label: `layer ${layer}`,
            about: '',
            tokens,
            rows: samples.flatMap((s) => s.states.map((states) => states[layer - 1]!)),
          }))
        : stack === 'token'
          ? Array.from({ length: Math.max(...samples.map((s) => s.tokens.length)) }, (_, t) => {
              const with_ = samples.filter((s) => s.tokens.length > t);
              return {
                label: `token ${t + 1}`,
                about: '',
                tokens: with_.length,
                rows: with_.flatMap((s) => at(s.states[t]!)),
              };
            })
          : [{ label: 'all', about: '', tokens, rows: samples.flatMap((s) => s.states.flatMap(at)) }];
  return { chosen, all: centre ? all.map((one) => ({ ...one, rows: meanOff(one.rows) })) : all };
}

function band(curves: readonly Float32Array[]) {
  const length = Math.min(...curves.map((curve) => curve.length));
  const at = (share: number) =>
    Float32Array.from({ length }, (_, i) => {
      const sorted = curves.map((curve) => curve[i]!).sort((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    });
  return { median: at(0.5), low: at(0.3), high: at(0.7), draws: 200 };
}

function tuckerOf(samples: readonly Sample[], layers: readonly number[]): TuckerReport {
  const tokens = samples.flatMap((s) => s.states.map((states) => layers.map((l) => states[l - 1]!)));
  const hidden = eigen(gram(tokens.flat()));
  const layer = eigen(
    layers.map((_, i) => layers.map((__, j) => tokens.reduce((sum, x) => sum + dot(x[i]!, x[j]!), 0))),
  );
  const columns = H;
  const total = hidden.values.reduce((a, b) => a + b, 0);
  const energy = new Float32Array(layers.length * columns);
  for (const x of tokens)
    for (let i = 0; i < layers.length; i++) {
      const mixed = Array.from({ length: H }, (_, h) =>
        dot(
          layer.vectors[i]!,
          x.map((row) => row[h]!),
        ),
      );
      for (let j = 0; j < columns; j++)
        energy[i * columns + j]! += dot(mixed, hidden.vectors[j]!) ** 2 / total;
    }
  const error = energy.map((_, at) => {
    let kept = 0;
    for (let i = 0; i <= Math.floor(at / columns); i++)
      for (let j = 0; j <= at % columns; j++) kept += energy[i * columns + j]!;
    return Math.sqrt(Math.max(0, 1 - kept));
  });
  return {
    layers,
    columns,
    layerSigma: Float32Array.from(layer.values, Math.sqrt),
    hiddenSigma: Float32Array.from(hidden.values, Math.sqrt),
    energy,
    error,
  };
}

const controlRows = (rows: Rows, control: Control, seed: number): Rows => {
  const { uniform, normal } = generator(seed);
  if (control === 'other-prompt') return rows.map((row) => row.map((x) => x + 0.05 * normal()));
  if (control === 'shuffled') {
    const columns = rows[0]!.map((_, h) => rows.map((row) => row[h]!));
    for (const column of columns)
      for (let i = column.length - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        [column[i], column[j]] = [column[j]!, column[i]!];
      }
    return rows.map((_, i) => columns.map((column) => column[i]!));
  }
  const scale = Math.sqrt(rows.flat().reduce((sum, x) => sum + x * x, 0) / (rows.length * H));
  return rows.map((row) =>
    row.map((x) => (control === 'gaussian' ? scale * normal() : 0.5 * x + 0.5 * scale * normal())),
  );
};

function selectionOf(
  selection: Selection,
  request: LensRequest,
  samples: readonly Sample[],
): SelectionReport {
  const { chosen, all } = matrices(samples, request);
  const spectra = all.map((one) => spectrumOf(one.rows, one.label, one.about, one.tokens));
  const byLayer = matrices(samples, { ...request, stack: 'layer' }).all;
  const { kind } = selection.subject;
  const step = selection.subject.kind === 'student' ? selection.subject.checkpoint : undefined;
  const cosine = chosen.map((layer) => {
    const pairs = samples.flatMap((s) =>
      s.states.flatMap((a, i) =>
        s.states.slice(i + 1).map((b) => {
          const [x, y] = [a[layer - 1]!, b[layer - 1]!];
          return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
        }),
      ),
    );
    return pairs.reduce((a, b) => a + b, 0) / pairs.length;
  });
  const effective = chosen.map(
    (layer) =>
      samples.reduce(
        (sum, s) =>
          sum +
          spectrumOf(
            s.states.map((x) => x[layer - 1]!),
            '',
            '',
            0,
          ).effectiveRank,
        0,
      ) / samples.length,
  );
  return {
    selection,
    label: step === undefined ? kind : `student, step ${step * 4}`,
    model: kind === 'opened' ? 'stories' : kind === 'teacher' ? 'teacher' : 'base',
    layers: L,
    hidden: H,
    spectra,
    bands:
      request.stack === 'sample' && spectra.length > 1
        ? {
            cumulative: band(spectra.map((s) => s.cumulative)),
            decay: band(spectra.map((s) => s.sigma.map((x) => x / s.sigma[0]!))),
          }
        : null,
    layerRanks: byLayer.map(({ rows, label, tokens }, i) => {
      const { effectiveRank, stableRank, energyRanks } = spectrumOf(rows, label, '', tokens);
      return { layer: chosen[i]!, rows: rows.length, effectiveRank, stableRank, energyRanks };
    }),
    tucker: request.tucker ? tuckerOf(samples, chosen) : null,
    collapse: {
      layers: chosen,
      cosine: Float32Array.from(cosine),
      effectiveRank: Float32Array.from(effective),
      positions: samples.reduce((sum, s) => sum + s.tokens.length, 0) / samples.length,
    },
    trajectory: null,
  };
}

export function madeLensReport(request: LensRequest): LensReport {
  const { source, selections, seed } = request;
  const ids =
    source.kind === 'problems'
      ? Array.from({ length: source.samples }, (_, i) => `train-${i}`)
      : source.kind === 'ids'
        ? source.ids
        : source.kind === 'rows'
          ? Array.from({ length: source.samples }, (_, i) => `row-${i + 1}`)
          : source.texts.map((_, i) => `text-${i + 1}`);
  const states = selections.map((selection) => samplesOf(selection, ids));
  const first = matrices(states[0]!, request);
  const reports = selections.map((selection, i) => selectionOf(selection, request, states[i]!));
  const basis = eigen(gram(states.flat().flatMap((s) => s.states.flat())));
  const total = basis.values.reduce((a, b) => a + b, 0);
  const trajectoryOf = (samples: readonly Sample[], selection: Selection) => {
    const points = samples.flatMap((s, sample) =>
      s.states.flatMap((states_, position) =>
        first.chosen.map((layer) => ({ sample, position, layer, h: states_[layer - 1]! })),
      ),
    );
    return {
      sample: Int32Array.from(points, (p) => p.sample),
      position: Int32Array.from(points, (p) => p.position),
      layer: Int32Array.from(points, (p) => p.layer),
      section: Uint8Array.from(points, () => SECTIONS.indexOf(selection.sections[0]!)),
      xyz: Float32Array.from(points.flatMap(({ h }) => [0, 1, 2].map((k) => dot(basis.vectors[k]!, h)))),
      texts: samples.map((s) => s.tokens),
    };
  };
  const r = request.angles;
  const anglesOf = (a: Rows, b: Rows) => {
    const m = a.map((x) => b.map((y) => dot(x, y)));
    return eigen(gram(m)).values.map((c) => Math.acos(Math.min(1, Math.sqrt(c))));
  };
  const leading = (samples: readonly Sample[], layer: number) =>
    eigen(gram(samples.flatMap((s) => s.states.map((x) => x[layer - 1]!)))).vectors.slice(0, r);
  const chance = (layer: number) => {
    const { normal } = generator(seed + layer);
    return eigen(gram(Array.from({ length: 40 }, () => Array.from({ length: H }, normal)))).vectors.slice(
      0,
      r,
    );
  };
  return {
    request,
    sampleIds: ids,
    selections: reports.map((report, i) =>
      request.trajectories ? { ...report, trajectory: trajectoryOf(states[i]!, selections[i]!) } : report,
    ),
    controls: request.controls.map((control) => ({
      control,
      spectra: first.all.map((one) =>
        spectrumOf(controlRows(one.rows, control, seed), one.label, one.about, one.tokens),
      ),
    })),
    axes: request.trajectories
      ? {
          shares: Float32Array.from(basis.values.slice(0, 3), (value) => value / total),
          basis: request.trajectories,
          of: 'the energy of all states drawn',
        }
      : null,
    angles:
      r > 0 && selections.length > 1
        ? {
            rank: r,
            layers: first.chosen,
            angles: Float32Array.from(
              first.chosen.flatMap((layer) =>
                anglesOf(leading(states[0]!, layer), leading(states[1]!, layer)),
              ),
            ),
            chance: Float32Array.from(
              first.chosen.flatMap((layer) => anglesOf(leading(states[0]!, layer), chance(layer))),
            ),
          }
        : null,
    kernel: 'Jacobi of the Gram matrix, for tests',
    dtype: 'f64',
    milliseconds: 812,
  };
}

/** Accuracies that rise with the rank, sooner for the leading directions. */
export function madeCausalPoints(
  { ranks, problems, random, layers }: CausalRequest,
  accuracyOf: (correct: number, total: number) => CausalPoint['accuracy'],
): CausalPoint[] {
  const point = (rank: number, directions: CausalPoint['directions'], half: number): CausalPoint => {
    const correct = Math.round((problems * 0.8 * rank) / (rank + half));
    return {
      rank,
      directions,
      accuracy: accuracyOf(correct, problems),
      outcomes: madeOutcomes(correct, problems),
      kept: layers.map((layer) => ({ layer, directions: rank, energy: rank / (rank + 1) })),
    };
  };
  return ranks.flatMap((rank) => [
    point(rank, 'leading', 1),
    ...(random ? [point(rank, 'random', 20), point(rank, 'equal-energy', 10)] : []),
  ]);
}

/** The first problems right, the others wrong. */
export const madeOutcomes = (correct: number, problems: number) =>
  Uint8Array.from({ length: problems }, (_, i) => (i < correct ? 1 : 0));

export const madeCausalReport = (
  request: CausalRequest,
  points: readonly CausalPoint[],
  whole: CausalReport['whole'],
): CausalReport => ({
  request,
  label: request.subject.kind,
  model: request.subject.kind === 'teacher' ? 'teacher' : 'base',
  hidden: 96,
  whole,
  wholeOutcomes: madeOutcomes(whole.correct, whole.total),
  points,
  kernel: 'formula, for tests',
  dtype: 'f64',
  milliseconds: 2100,
});
