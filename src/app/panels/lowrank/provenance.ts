import type { LensReport } from '../../../contract/lens';
import { writeLayers } from '../../store/layers';
import { duration } from '../../ui/format';

/** Whose states, in words: `teacher (tiny-teacher)`. */
const whose = ({ label, model }: { readonly label: string; readonly model: string }) =>
  label.includes(model) ? label : `${label} (${model})`;

/** Ids that are written out; with the seed the others can be drawn again, and the table of spectra has all. */
const WRITTEN = 16;

function namesOf(ids: readonly string[]): string {
  if (ids.length <= WRITTEN) return `samples ${ids.join(', ')}`;
  return `${ids.length} samples, ${ids.slice(0, WRITTEN).join(', ')} and ${ids.length - WRITTEN} more`;
}

/** What is behind a chart, for whoever wants to make it again. */
export function sourceOf(report: LensReport): string {
  const { request, selections, sampleIds, kernel, dtype } = report;
  const { stack, centre, layers, seed, source } = request;
  return [
    selections.map((one) => `${whose(one)}: ${one.selection.sections.join(' and ')}`).join('; '),
    `${namesOf(sampleIds)}${source.kind === 'problems' ? ` (drawn with seed ${source.seed})` : ''}`,
    `layers ${writeLayers(layers)}`,
    `one matrix ${stack === 'all' ? 'of everything' : `per ${stack}`}, ${centre ? 'centred' : 'not centred'}`,
    `kernel ${kernel}, ${dtype}`,
    `seed ${seed}`,
  ].join(' · ');
}

/** The same in a few words, for the head of the place. */
export function summaryLine(report: LensReport): string {
  const { selections, sampleIds, kernel, dtype, milliseconds } = report;
  const count = sampleIds.length;
  return `${count} ${count === 1 ? 'sample' : 'samples'} of ${selections
    .map((one) => `${whose(one)}, ${one.layers} layers, hidden size ${one.hidden}`)
    .join(' and ')}; ${kernel}, ${dtype}, ${duration(milliseconds)}.`;
}
