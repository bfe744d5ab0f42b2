import type { LensReport } from '../../../contract/lens';
import { writeLayers } from '../../store/layers';
import { duration } from '../../ui/format';

/** Whose hidden states, in words: `teacher (tiny-teacher)`. */
const whose = ({ label, model }: { readonly label: string; readonly model: string }) =>
  label.includes(model) ? label : `${label} (${model})`;

/** Maximum number of ids written out; the others can be redrawn from the seed, and the table of spectra has all. */
const WRITTEN = 16;

function namesOf(ids: readonly string[]): string {
  if (ids.length <= WRITTEN) return `samples ${ids.join(', ')}`;
  return `${ids.length} samples, ${ids.slice(0, WRITTEN).join(', ')} and ${ids.length - WRITTEN} more`;
}

/** Everything needed to reproduce a chart. */
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

/** The same in a few words, for the panel's header. */
export function summaryLine(report: LensReport): string {
  const { selections, sampleIds, kernel, dtype, milliseconds } = report;
  const count = sampleIds.length;
  return `${count} ${count === 1 ? 'sample' : 'samples'} of ${selections
    .map((one) => `${whose(one)}, ${one.layers} layers, hidden size ${one.hidden}`)
    .join(' and ')}; ${kernel}, ${dtype}, ${duration(milliseconds)}.`;
}
