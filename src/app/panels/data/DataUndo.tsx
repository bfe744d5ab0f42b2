import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { UndoButtons } from '../../ui/UndoButtons';

/** Undo and Redo of draw, reading and answer rule. */
export function DataUndo() {
  const busy = useApp((state) => isBusy(state.data.report));
  const canUndo = useApp((state) => state.data.past.length > 0);
  const canRedo = useApp((state) => state.data.future.length > 0);
  const { undoData, redoData } = useActions();
  return (
    <div className="actions">
      <UndoButtons canUndo={canUndo && !busy} canRedo={canRedo && !busy} undo={undoData} redo={redoData} />
    </div>
  );
}
