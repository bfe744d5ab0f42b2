import type {
  AngleReport,
  CollapseReport,
  Control,
  LayerRanks,
  LensReport,
  SelectionReport,
  Spectrum,
  Stack,
  TuckerReport,
} from '../../../contract/lens';
import { percent } from '../../ui/format';
import {
  correlation,
  decayOf,
  keptEnergy,
  medianCurve,
  medianOf,
  rankOf,
  smallestCore,
  summaryOf,
} from './statistics';
import { CONTROL_WORDS, STACK_WORDS } from './words';

/** One or two sentences per chart on what the data shows, with no claim that the controls do not support. */

const number = (value: number, digits = 1) =>
  Number.isInteger(value) ? String(value) : value.toFixed(digits);
const joined = (words: readonly string[]) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const of = (spectra: readonly Spectrum[], stack: Stack) =>
  spectra.length === 1 ? '' : ` (median of ${spectra.length} ${STACK_WORDS[stack].many})`;

/** Nothing is left of a single row, or of equal rows, without their mean. */
const isNothing = (spectra: readonly Spectrum[]) => spectra.every(({ sigma }) => (sigma[0] ?? 0) === 0);
const nothing = (label: string) =>
  `${capital(label)}: all singular values are 0, as of a single row, or of equal rows, without their mean.`;

export function cumulativeSentence(report: LensReport): string {
  const { stack } = report.request;
  const parts = report.selections.map(({ label, spectra }) => {
    if (isNothing(spectra)) return nothing(label);
    const { rank95, possible } = summaryOf(spectra);
    const curve = medianCurve(spectra.map(({ cumulative }) => cumulative));
    const sum = curve[Math.max(0, Math.round(rank95) - 1)] ?? Number.NaN;
    return `${capital(label)}: ${number(rank95)} of ${number(possible)} directions hold 95 % of the energy${of(spectra, stack)}, and their singular values sum to ${percent(sum, 0)} of the total.`;
  });
  return [...parts, sizesSentence(report.selections), controlSentence(report)].filter(Boolean).join(' ');
}

/** Numbers of directions out of different totals cannot be compared. */
function sizesSentence(selections: readonly SelectionReport[]): string {
  const possible = selections.map(({ spectra }) => summaryOf(spectra).possible);
  if (new Set(possible).size < 2) return '';
  return `The matrices differ in size, with ${joined(possible.map((one) => number(one)))} possible directions, so the counts are not directly comparable.`;
}

/** A control whose rank is within this factor of the subject's looks the same. */
const SAME = 1.25;

/** What it means that a control needs as many directions. */
const SAME_MEANS: Readonly<Record<Control, string>> = {
  shuffled: 'independent features would do the same',
  gaussian: 'noise of this shape would do the same',
  'random-tokens': 'the low rank is not specific to reasoning; any tokens have it',
  'other-prompt': 'it does not depend on the question',
};

/** What the controls say about the first selection's rank for 95 % of the energy. */
export function controlSentence({
  selections,
  controls,
}: Pick<LensReport, 'selections' | 'controls'>): string {
  if (controls.length === 0 || isNothing(selections[0]!.spectra)) return '';
  const own = medianOf(selections[0]!.spectra, (s) => s.energyRanks[2]);
  const kinds = controls.map(({ control, spectra }) => {
    const rank = medianOf(spectra, (s) => s.energyRanks[2]);
    const word = `${CONTROL_WORDS[control].of} (${number(rank)})`;
    return {
      control,
      word,
      kind: rank > own * SAME ? 'more' : rank < own / SAME ? 'fewer' : 'same',
    } as const;
  });
  const words = (kind: 'more' | 'fewer' | 'same') =>
    joined(kinds.filter((one) => one.kind === kind).map(({ word }) => word));
  const alike = kinds.filter(({ kind }) => kind === 'same');
  const [more, fewer, same] = [words('more'), words('fewer'), words('same')];
  return [
    selections.length > 1 && `The controls refer to ${selections[0]!.label}.`,
    more && `More are needed for ${more}.`,
    fewer && `Fewer are needed for ${fewer}.`,
    same &&
      `About as many are needed for ${same}: ${joined(alike.map(({ control }) => SAME_MEANS[control]))}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

export function decaySentence(selections: readonly SelectionReport[]): string {
  return selections
    .map(({ label, spectra }) => {
      if (isNothing(spectra)) return nothing(label);
      const curve = medianCurve(spectra.map(decayOf));
      const place = curve.findIndex((value) => value < 0.01);
      return place < 0
        ? `${capital(label)}: no singular value falls below 1 % of the largest in ${curve.length} ranks.`
        : `${capital(label)}: from rank ${place + 1} on, singular values are below 1 % of the largest.`;
    })
    .join(' ');
}

/** How a value changes along the layers. */
function alongLayers(ranks: readonly LayerRanks[], value: (one: LayerRanks) => number, what: string): string {
  const [first, last] = [ranks[0], ranks.at(-1)];
  if (!first || !last) return '';
  if (first === last) return `${what} is ${number(value(first))} at layer ${first.layer}`;
  const [from, to] = [value(first), value(last)];
  const verb = to > from * 1.1 ? 'rises' : to < from / 1.1 ? 'falls' : 'hardly changes';
  return `${what} ${verb} from ${number(from)} at layer ${first.layer} to ${number(to)} at layer ${last.layer}`;
}

export const layerSentence = (selections: readonly SelectionReport[]): string =>
  selections
    .map(
      ({ label, layerRanks, hidden }) =>
        `${capital(label)}: the rank for 95 % of the energy ${alongLayers(layerRanks, (r) => r.energyRanks[2], '').trim()}, of ${Math.min(hidden, layerRanks[0]?.rows ?? hidden)} possible.`,
    )
    .join(' ');

export const effectiveSentence = (selections: readonly SelectionReport[]): string =>
  selections
    .map(
      ({ label, layerRanks }) =>
        `${capital(label)}: ${alongLayers(layerRanks, (r) => r.effectiveRank, 'the effective rank')}; ${alongLayers(layerRanks, (r) => r.stableRank, 'the stable rank')}.`,
    )
    .join(' ');

export function lengthSentence(selections: readonly SelectionReport[]): string {
  return selections
    .map(({ label, spectra }) => {
      const r = correlation(
        spectra.map(({ tokens }) => tokens),
        spectra.map((s) => s.energyRanks[2]),
      );
      if (spectra.length < 3 || Number.isNaN(r))
        return `${capital(label)}: too few different lengths to say whether rank grows with length.`;
      const kind =
        Math.abs(r) < 0.3 ? 'hardly depends on length' : r > 0 ? 'grows with length' : 'falls with length';
      return `${capital(label)}: the rank for 95 % of the energy ${kind} (correlation ${r.toFixed(2)}, ${spectra.length} samples).`;
    })
    .join(' ');
}

export function modesSentence({ layerSigma, hiddenSigma }: TuckerReport): string {
  return `95 % of the energy lies in ${rankOf(layerSigma, 0.95)} of ${layerSigma.length} directions across layers and in ${rankOf(hiddenSigma, 0.95)} of ${hiddenSigma.length} across hidden features.`;
}

export function coreSentence({ energy, columns }: TuckerReport): string {
  const kept = keptEnergy(energy, columns);
  const core = smallestCore(kept, columns, 0.95);
  const first = percent(energy[0] ?? 0, 0);
  return core
    ? `The first entry alone holds ${first}. The smallest core with 95 % of the energy is ${core.layerRank} × ${core.hiddenRank}.`
    : `The first entry alone holds ${first}. No core of at most ${columns} hidden directions keeps 95 % of the energy.`;
}

/** `ranks` are those that the Distil form trains with. */
export function errorSentence(
  { error, columns, layers }: TuckerReport,
  ranks: { readonly layerRank: number; readonly hiddenRank: number } | null,
): string {
  if (!ranks) return 'The method in the Distil form has no subspace ranks to compare with.';
  const layerRank = Math.min(ranks.layerRank, layers.length);
  const hiddenRank = Math.min(ranks.hiddenRank, columns);
  const at = error[(layerRank - 1) * columns + hiddenRank - 1] ?? Number.NaN;
  const cut = layerRank !== ranks.layerRank || hiddenRank !== ranks.hiddenRank;
  return `Cut to r_L = ${layerRank} and r_H = ${hiddenRank}, ${cut ? 'as far as the ranks of the Distil form go here' : 'the ranks of the Distil form'}, the hidden states are off by ${percent(at)} of their norm.`;
}

const degrees = (radians: number) => (radians * 180) / Math.PI;

/** Degrees, ascending, of those that there are. */
export const anglesAt = (angles: Float32Array, row: number, rank: number): number[] =>
  Array.from(angles.subarray(row * rank, (row + 1) * rank), degrees).filter((angle) => !Number.isNaN(angle));
export function meanAngle(angles: Float32Array, row: number, rank: number): number {
  const there = anglesAt(angles, row, rank);
  return there.reduce((a, b) => a + b, 0) / there.length;
}

export function anglesSentence({ rank, layers, angles, chance }: AngleReport): string {
  const own = layers.map((_, row) => meanAngle(angles, row, rank));
  const by = layers.map((_, row) => meanAngle(chance, row, rank));
  const best = own.indexOf(Math.min(...own.filter((angle) => !Number.isNaN(angle))));
  if (best < 0) return 'The hidden states span no directions that could be compared.';
  // A few degrees are what another random subspace would differ by.
  const closer = layers.filter((_, row) => own[row]! < by[row]! - 5);
  const said =
    closer.length === 0
      ? 'At no layer are they closer than chance by more than 5°: no shared directions were found.'
      : closer.length === layers.length
        ? 'They are closer than chance at every layer.'
        : `They are closer than chance at ${closer.length} of ${layers.length} layers.`;
  return `The two leading ${rank}-dimensional subspaces are nearest at layer ${layers[best]}: ${own[best]!.toFixed(0)}° on average, where chance gives ${by[best]!.toFixed(0)}°. ${said}`;
}

/** Above this mean cosine, thoughts can hardly be told apart. */
const COLLAPSED = 0.95;

export function collapseSentence(
  label: string,
  { layers, cosine, effectiveRank, positions }: CollapseReport,
): string {
  const last = layers.length - 1;
  const [c, e] = [cosine[last]!, effectiveRank[last]!];
  if (Number.isNaN(c)) return `${capital(label)}: one position per sample, so there is nothing to compare.`;
  const kind = c > COLLAPSED ? 'nearly collapsed into one' : c > 0.7 ? 'very similar' : 'well separated';
  return `${capital(label)}: at layer ${layers[last]} the positions are ${kind}, mean cosine ${c.toFixed(2)}, effective rank ${e.toFixed(1)} of at most ${number(positions)}.`;
}

export const positionsSentence = (label: string, { positions }: CollapseReport): string =>
  `${capital(label)}: ${number(positions)} positions per sample, the largest rank there could be.`;

export function axesSentence(axes: NonNullable<LensReport['axes']>): string {
  const total = axes.shares.reduce((a, b) => a + b, 0);
  const each = Array.from(axes.shares, (share) => percent(share, 0));
  return `These three directions hold ${percent(total, 0)} (${each.join(', ')}) of the ${axes.basis === 'pca' ? 'variance' : 'energy'} of ${axes.of}; the rest does not show in this view.`;
}
