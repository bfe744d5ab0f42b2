import { useEffect } from 'react';

/** Milliseconds that a field is left alone before something is asked for. */
const SETTLED = 300;

/**
 * Calls `ask` once none of `values` has changed for a moment; their number must stay the same. `isCurrent` tells whether that is
 * still so, for an answer that arrives late.
 */
export function useSettled(ask: (isCurrent: () => boolean) => unknown, values: readonly unknown[]): void {
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => void ask(() => current), SETTLED);
    return () => {
      current = false;
      clearTimeout(timer);
    };
    // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when a value changes, not when the function does
  }, values);
}
