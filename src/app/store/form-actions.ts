import type { Context } from './context';
import { type Drafts, editedForms, type FormEdit, type FormName } from './forms';

export interface FormActions {
  /** Changes settings of a form. */
  changeForm<Name extends FormName>(name: Name, change: Partial<Drafts[Name]>): void;
  undoForm(name: FormName): void;
  redoForm(name: FormName): void;
}

export function formActions(ctx: Context): FormActions {
  const edit = <Name extends FormName>(name: Name, by: FormEdit<Name>) =>
    ctx.set({ forms: editedForms(ctx.get().forms, name, by) });
  return {
    changeForm: edit,
    undoForm: (name) => edit(name, 'undo'),
    redoForm: (name) => edit(name, 'redo'),
  };
}
