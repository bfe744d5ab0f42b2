import { methodOf, TOTAL } from '../../contract/methods/index';
import type { LossTerm, Methods } from '../../contract/methods/method';
import type { RunSeries } from '../../storage/series';

/** A loss term as charts and tables show it. */
export type ShownTerm = Pick<LossTerm, 'name' | 'label' | 'unit'>;

/**
 * The terms that a run's series hold: the total, those of its method in their order, and after them what the method does
 * not name, under its own name.
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
