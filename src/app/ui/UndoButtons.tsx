import { type RefObject, useEffect } from 'react';
import { Button } from './Button';

export interface UndoProps {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly undo: () => unknown;
  readonly redo: () => unknown;
}

/** Undo and Redo of a form's settings. @param of whose, where a place has several: their names then say so */
export function UndoButtons({ canUndo, canRedo, undo, redo, of }: UndoProps & { readonly of?: string }) {
  const named = (what: string) => (of === undefined ? {} : { 'aria-label': `${what}: ${of}` });
  return (
    <>
      <Button look="quiet" isDisabled={!canUndo} onPress={() => void undo()} {...named('Undo')}>
        Undo
      </Button>
      <Button look="quiet" isDisabled={!canRedo} onPress={() => void redo()} {...named('Redo')}>
        Redo
      </Button>
    </>
  );
}

/** Texts, which have the browser's own undo, and what is in a form without being one of its settings. */
const OWN_UNDO = 'textarea, [contenteditable], [data-own-undo] input';

/** What a key does: Ctrl+Z undoes, Ctrl+Shift+Z and Ctrl+Y redo, on a Mac with Cmd; `null` for any other key. */
export function undoKey(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'target'>,
): 'undo' | 'redo' | null {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
  const key = event.key.toLowerCase();
  if (key !== 'z' && key !== 'y') return null;
  if ((event.target as Partial<Element> | null)?.closest?.(OWN_UNDO)) return null;
  return key === 'y' || event.shiftKey ? 'redo' : 'undo';
}

/** Undo and redo by key while the focus is in the form. */
export function useUndoKeys(
  form: RefObject<HTMLElement | null>,
  { undo, redo }: Pick<UndoProps, 'undo' | 'redo'>,
): void {
  useEffect(() => {
    const element = form.current;
    const listen = (event: KeyboardEvent) => {
      const what = undoKey(event);
      if (what === null) return;
      event.preventDefault();
      void (what === 'undo' ? undo() : redo());
    };
    element?.addEventListener('keydown', listen);
    return () => element?.removeEventListener('keydown', listen);
  }, [form, undo, redo]);
}
