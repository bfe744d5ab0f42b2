import { useActions, useApp } from '../../../store/use-app';
import { WrittenFile } from '../../shared/WrittenFile';

/** How the zip of a run is getting on, and what is in it. */
export function RunZip({ id }: { readonly id: string }) {
  const task = useApp((state) => (state.runZip.run === id ? state.runZip.task : null));
  const { cancelRunZip } = useActions();
  return task && <WrittenFile task={task} label="Writing the run" onCancel={cancelRunZip} />;
}
