import { useEffect } from 'react';
import { useActions } from '../../store/use-app';

/** What takes arrow keys, or text, itself. */
const TAKES_KEYS =
  'input, textarea, [contenteditable], [role="listbox"], [role="radiogroup"], [role="tablist"], [role="slider"], [tabindex="0"][role="group"]';

/** Arrow keys step through the thoughts, with Shift to the ends; Ctrl+Z and Ctrl+Shift+Z undo and redo branches. */
export function useStepKeys(isOn: boolean): void {
  const { step, back, stepTo, runOn, undoBranch, redoBranch } = useActions();
  useEffect(() => {
    if (!isOn) return;
    const keys: Readonly<Record<string, () => Promise<boolean>>> = {
      ArrowRight: step,
      ArrowLeft: back,
      'Shift+ArrowRight': runOn,
      'Shift+ArrowLeft': () => stepTo(0),
      'Control+z': undoBranch,
      'Control+Shift+z': redoBranch,
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.target instanceof Element && event.target.closest(TAKES_KEYS)) return;
      if (event.altKey) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const name = `${event.ctrlKey || event.metaKey ? 'Control+' : ''}${event.shiftKey ? 'Shift+' : ''}${key}`;
      const action = keys[name];
      if (!action) return;
      event.preventDefault();
      void action();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [isOn, step, back, stepTo, runOn, undoBranch, redoBranch]);
}
