import { useState } from 'react';
import type { InputsRequest, RunInputs } from '../../contract/inputs';
import { type Failure, failureOf } from './task';
import { useActions, useApp } from './use-app';
import { useSettled } from './use-settled';

export type InputsOutcome =
  | { readonly inputs: RunInputs; readonly error: null }
  | { readonly inputs: null; readonly error: Failure };

export interface InputsReading {
  readonly outcome: InputsOutcome;
  /** Whether they are those of the previous request. */
  readonly isStale: boolean;
}

/**
 * The tokens of a sample as a run by the form's settings would have them, a moment after these last changed; `null` before, and
 * without a request. @param isOfRows whether to read it as a row of the opened data set, whatever the form's run trains on
 */
export function useRunInputs(of: InputsRequest['of'] | null, isOfRows = false): InputsReading | null {
  const { runInputs } = useActions();
  const draft = useApp((state) => state.draft);
  // Another model or data set gives other tokens.
  const pair = useApp((state) => state.pair.value);
  const opened = useApp((state) => state.lens.opened.value);
  const rows = useApp((state) => state.data.report.value);
  const teacher = useApp((state) => state.teacher);
  const [read, setRead] = useState<{ key: string; outcome: InputsOutcome } | null>(null);
  const config = isOfRows ? { ...draft, roles: { ...draft.roles, data: 'opened' as const } } : draft;
  const key = of === null ? null : JSON.stringify({ config, of });
  useSettled(
    async (isCurrent) => {
      if (key === null) return setRead(null);
      let outcome: InputsOutcome;
      try {
        outcome = { inputs: await runInputs(JSON.parse(key) as InputsRequest), error: null };
      } catch (thrown) {
        outcome = { inputs: null, error: failureOf(thrown) };
      }
      if (isCurrent()) setRead({ key, outcome });
    },
    [key, pair, opened, rows, teacher],
  );
  if (key === null || read === null) return null;
  return { outcome: read.outcome, isStale: read.key !== key };
}
