import { useEffect } from 'react';
import { useActions } from '../../store/use-app';
import { undoKey } from '../../ui/UndoButtons';

/** What takes arrow keys, or text, itself. */
const TAKES_KEYS =
  'input, textarea, [contenteditable], [role="listbox"], [role="radiogroup"], [role="tablist"], [role="slider"], [tabindex="0"][role="group"]';

type StepKey = 'next' | 'back' | 'run' | 'first' | 'undo' | 'redo';

const ARROWS: Readonly<Record<string, StepKey>> = {
  ArrowRight: 'next',
  ArrowLeft: 'back',
  'Shift+ArrowRight': 'run',
  'Shift+ArrowLeft': 'first',
};

/** What a key does; `null` where it does nothing, or where it is for something else. */
export function stepKey(
  event: Pick<
    KeyboardEvent,
    'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'target' | 'defaultPrevented'
  >,
): StepKey | null {
  // A form has undone a change of its own.
  if (event.defaultPrevented) return null;
  if ((event.target as Partial<Element> | null)?.closest?.(TAKES_KEYS)) return null;
  if (event.ctrlKey || event.metaKey) return undoKey(event);
  return event.altKey ? null : (ARROWS[`${event.shiftKey ? 'Shift+' : ''}${event.key}`] ?? null);
}

/** Arrow keys step through the thoughts, with Shift to the ends; Ctrl+Z undoes branches, Ctrl+Y and Ctrl+Shift+Z redo them. */
export function useStepKeys(isOn: boolean): void {
  const { step, back, stepTo, runOn, undoBranch, redoBranch } = useActions();
  useEffect(() => {
    if (!isOn) return;
    const actions: Readonly<Record<StepKey, () => Promise<boolean>>> = {
      ...{ next: step, back, run: runOn, first: () => stepTo(0) },
      ...{ undo: undoBranch, redo: redoBranch },
    };
    const onKey = (event: KeyboardEvent) => {
      const key = stepKey(event);
      if (key === null) return;
      event.preventDefault();
      void actions[key]();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [isOn, step, back, stepTo, runOn, undoBranch, redoBranch]);
}
