import type { LensReport, Source } from '../../../contract/lens';
import { spanWords } from '../../../contract/span';
import { filterWords } from '../../store/data';
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

/** How samples were drawn, in brackets. */
function drawnOf(source: Source, dataset: string | undefined): string {
  if (source.kind === 'problems') return ` (drawn with seed ${source.seed})`;
  if (source.kind !== 'rows') return '';
  const filter = source.filter && filterWords(source.filter);
  return ` (drawn with seed ${source.seed} from ${dataset ?? 'the data set'}${filter ? `, rows with ${filter}` : ''})`;
}

/** Everything needed to reproduce a chart. */
export function sourceOf(report: LensReport): string {
  const { request, selections, sampleIds, dataset, kernel, dtype } = report;
  const { stack, centre, layers, seed, source } = request;
  const span = spanWords(request.span);
  return [
    selections.map((one) => `${whose(one)}: ${one.selection.sections.join(' and ')}`).join('; '),
    `${namesOf(sampleIds)}${drawnOf(source, dataset)}`,
    `layers ${writeLayers(layers)}`,
    ...(span ? [`${span} of each sample`] : []),
    `one matrix ${stack === 'all' ? 'of everything' : `per ${stack}`}, ${centre ? 'centred' : 'not centred'}`,
    `kernel ${kernel}, ${dtype}`,
    `seed ${seed}`,
  ].join(' · ');
}

/** The same in a few words, for the panel's header. */
export function summaryLine(report: LensReport): string {
  const { selections, sampleIds, kernel, dtype, milliseconds } = report;
  const count = sampleIds.length;
  const words = spanWords(report.request.span);
  return `${count} ${count === 1 ? 'sample' : 'samples'}${words ? ` (${words} of each)` : ''} of ${selections
    .map((one) => `${whose(one)}, ${one.layers} layers, hidden size ${one.hidden}`)
    .join(' and ')}; ${kernel}, ${dtype}, ${duration(milliseconds)}.`;
}
