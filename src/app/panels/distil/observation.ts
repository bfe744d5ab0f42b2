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
