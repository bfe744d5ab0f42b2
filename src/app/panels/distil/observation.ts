import type { RunSeries } from '../../../contract/series-schema';
import type { LineSeries } from '../../charts/series';

/** What the observations of a run show, in words. */
export function observationSentence(
  spectra: readonly { readonly step: number; readonly effectiveRank: number; readonly cosine: number }[],
): string {
  const [first, last] = [spectra[0], spectra.at(-1)];
  if (!first || !last) return '';
  const alike = Number.isNaN(last.cosine) ? '' : `, mean cosine ${last.cosine.toFixed(2)}`;
  if (first === last) return `Effective rank ${last.effectiveRank.toFixed(1)} at step ${last.step}${alike}.`;
  const [from, to] = [first.effectiveRank, last.effectiveRank];
  const verb = to > from * 1.1 ? 'rose' : to < from / 1.1 ? 'fell' : 'hardly changed';
  return `The effective rank ${verb} from ${from.toFixed(1)} at step ${first.step} to ${to.toFixed(1)} at step ${last.step}${alike}.`;
}

type Observed = RunSeries['spectra'][number];

const line = (name: string, spectra: readonly Observed[], value: (one: Observed) => number): LineSeries => ({
  name,
  x: spectra.map(({ step }) => step),
  y: spectra.map(value),
});

/** Ranks of the latents as they were observed. */
export const rankLines = (spectra: readonly Observed[]): LineSeries[] => [
  line('effective rank', spectra, ({ effectiveRank }) => effectiveRank),
  line('stable rank', spectra, ({ stableRank }) => stableRank),
];

export const cosineLines = (spectra: readonly Observed[]): LineSeries[] => [
  line('mean cosine', spectra, ({ cosine }) => cosine),
];
