import { isActive } from '../store/run';
import { runName } from '../store/run-names';
import { useActions, useApp } from '../store/use-app';
import { Button } from '../ui/Button';

/** At startup, offers to resume, keep or discard an interrupted run. */
export function ResumeOffer() {
  const offered = useApp((state) => state.offered);
  const run = useApp((state) => state.saved.find(({ id }) => id === state.offered));
  const student = useApp((state) => (state.offered === null ? undefined : state.kept.get(state.offered)));
  const methods = useApp((state) => state.methods);
  const busy = useApp((state) => isActive(state.run));
  const { resumeRun, labelRun, deleteRun, goTo } = useActions();
  if (offered === null || !run || !student || busy) return null;
  const resume = () => {
    goTo('distil');
    void resumeRun(offered);
  };
  return (
    <section className="notice notice-info" aria-label="An interrupted run">
      <p>
        <span aria-hidden="true">ℹ </span>
        The run “{runName(run, methods)}” was interrupted. It is kept as it was after step {student.step} of{' '}
        {student.steps} and continues from there as if nothing had happened.
      </p>
      <div className="actions">
        <Button look="primary" onPress={resume}>
          Resume from step {student.step}
        </Button>
        <Button onPress={() => void labelRun(offered, { isSetAside: true })}>Keep it for later</Button>
        <Button look="danger" onPress={() => void deleteRun(offered)}>
          Delete it
        </Button>
      </div>
    </section>
  );
}
