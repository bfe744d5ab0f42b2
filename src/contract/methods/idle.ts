import { valueAt } from '../settings';
import { type LossTerm, type MethodData, methodPaths, seatOf } from './method';

/** Whether a term is left out of a configuration's loss. */
export const isLeftOut = ({ weight }: Pick<LossTerm, 'weight'>, config: object): boolean =>
  valueAt(config, weight) === 0;

/** Ids of the paths that nothing needs: not the first, and every term on them has a weight of 0. */
export function idlePaths(method: MethodData, config: object): ReadonlySet<string> {
  const [first, ...others] = methodPaths(method, config);
  const used = new Set([first?.id]);
  for (const term of method.terms) {
    if (isLeftOut(term, config)) continue;
    const { path, against } = seatOf(term, config);
    used.add(path).add(against);
  }
  return new Set(others.map(({ id }) => id).filter((id) => !used.has(id)));
}
