import type { LensRequest } from '../../../contract/lens';
import { type DraftBounds, type LensDraft, requestOf } from '../../store/lens-draft';

/** Whether the form asks for something other than what is shown. */
export const isStale = (shown: LensRequest, draft: LensDraft, bounds: DraftBounds): boolean =>
  JSON.stringify(sorted(shown)) !== JSON.stringify(sorted(requestOf(draft, bounds)));

/** Keys in order, at every level, so that equal requests read the same. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
