import { methodOf, TOTAL } from '../../contract/methods/index';
import type { LossTerm, Methods } from '../../contract/methods/method';
import type { RunSeries } from '../../contract/series-schema';

/** A loss term as shown in charts and tables. */
export type ShownTerm = Pick<LossTerm, 'name' | 'label' | 'unit'>;

/**
 * The terms in a run's series: the total, then the method's terms in their order, then any term the method does not name.
 */
export function shownTerms(
  { losses }: Pick<RunSeries, 'losses'>,
  method: string | null,
  methods: Methods,
): ShownTerm[] {
  const known: readonly ShownTerm[] = [TOTAL, ...(method === null ? [] : methodOf(method, methods).terms)];
  const names = new Set(known.map(({ name }) => name));
  const others = Object.keys(losses)
    .filter((name) => !names.has(name))
    .map((name) => ({ name, label: name, unit: '' }));
  return [...known, ...others].filter(({ name }) => losses[name] !== undefined);
}
