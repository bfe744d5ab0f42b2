import { type RefObject, useCallback } from 'react';
import type { FormName } from '../../store/forms';
import { useActions, useApp } from '../../store/use-app';
import { UndoButtons, useUndoKeys } from '../../ui/UndoButtons';

const NAMES: Readonly<Record<FormName, string>> = {
  causal: 'causal test',
  trajectories: 'how trajectories are shown',
  evaluation: 'evaluation',
  thoughtTest: 'test of the thoughts',
  stopping: 'stopping',
  attention: 'whose attention is shown',
  intervene: 'intervention',
  memory: 'sizes of the estimate',
};

/** Undo and Redo of a form's settings; while the focus is in it also by key. */
export function FormUndo({
  name,
  form,
}: {
  readonly name: FormName;
  readonly form: RefObject<HTMLElement | null>;
}) {
  const canUndo = useApp(({ forms }) => forms[name].past.length > 0);
  const canRedo = useApp(({ forms }) => forms[name].future.length > 0);
  const { undoForm, redoForm } = useActions();
  const undo = useCallback(() => undoForm(name), [undoForm, name]);
  const redo = useCallback(() => redoForm(name), [redoForm, name]);
  useUndoKeys(form, { undo, redo });
  return <UndoButtons of={NAMES[name]} canUndo={canUndo} canRedo={canRedo} undo={undo} redo={redo} />;
}
