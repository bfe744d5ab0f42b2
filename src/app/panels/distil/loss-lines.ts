import { TOTAL } from '../../../contract/methods/index';
import type { Methods } from '../../../contract/methods/method';
import type { LineSeries } from '../../charts/series';
import type { RunState } from '../../store/run';
import { shownTerms } from '../../store/terms';

/** The loss terms of a run as lines, by the names its method gives them; the total stands out. */
export function lossLines(
  { step, losses }: Pick<RunState['series'], 'step' | 'losses'>,
  method: string | null,
  methods: Methods,
): LineSeries[] {
  return shownTerms({ losses }, method, methods).map(({ name, label }) => ({
    name: label,
    x: step,
    y: losses[name] ?? [],
    ...(name === TOTAL.name && { weight: 'strong' as const }),
  }));
}
