import type { Accuracy, RunResult } from '../../../contract/events';
import { nameConfig } from '../../../contract/presets';
import { STORAGE_SHORT } from '../../../contract/weight-storage';
import { isActive } from '../../store/run';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { duration, integer, length, percent } from '../../ui/format';
import { Facts, Panel } from '../../ui/Panel';
import { ranksUsed } from './ranks-used';

/** The final figure: the student beside the teacher, on the same held-out problems. */
export function ResultCard({ result }: { readonly result: RunResult }) {
  const { heldOut, isWritten = false, explicit, teacher, seconds } = result;
  const methods = useApp((state) => state.methods);
  const busy = useApp((state) => isActive(state.run));
  // Only the student that the engine has can be kept.
  const isThere = useApp((state) => state.student !== null && state.student.id === result.student?.id);
  const { keepTeacher } = useActions();
  const { name: label } = nameConfig(result.config, methods);
  const cut = ranksUsed(result, methods);
  const reduced = Object.entries(result.storages ?? {}).filter(([, storage]) => storage !== 'f32');
  const share = heldOut && teacher && teacher.share > 0 ? heldOut.share / teacher.share : null;
  return (
    <Panel
      title="Result"
      about={
        heldOut
          ? `${label} answers ${heldOut.correct} of ${heldOut.total} held-out problems right${share === null ? '' : `: ${percent(share, 0)} of the teacher’s accuracy, ${isWritten ? 'writing its rationale as the teacher does' : 'with no explicit reasoning'}`}.`
          : 'No held-out problems were requested.'
      }
      actions={
        isThere && (
          <Button isDisabled={busy} onPress={() => void keepTeacher()}>
            Keep as teacher
          </Button>
        )
      }
    >
      <div className="bars">
        {heldOut && (
          <AccuracyBar
            label={`Student (${label})${isWritten ? ', explicit chain of thought' : ''}`}
            accuracy={heldOut}
          />
        )}
        {explicit && (
          <AccuracyBar label={`Student (${label}), explicit chain of thought`} accuracy={explicit} />
        )}
        {teacher && <AccuracyBar label="Teacher, explicit chain of thought" accuracy={teacher} faint />}
      </div>
      <p className="help">
        The interval tells how well these problems measure this run. Runs with other seeds differ by more:
        train several seeds to compare methods.
      </p>
      <Facts
        items={[
          ['Steps', `${integer(result.steps)}${result.status === 'stopped' ? ', stopped early' : ''}`],
          [
            'Time',
            `teacher ${duration(1000 * seconds.teacher)}, compiling ${duration(1000 * seconds.compile)}, training ${duration(1000 * seconds.train)}, evaluation ${duration(1000 * seconds.evaluate)}`,
          ],
          ['Trained parameters', integer(result.trainable)],
          ...(reduced.length > 0
            ? [
                [
                  'Frozen matrices of the layers',
                  reduced.map(([name, storage]) => `${name} in ${STORAGE_SHORT[storage]}`).join('; '),
                ] as const,
              ]
            : []),
          ...(cut.length > 0
            ? [['Ranks reduced to what the model or the samples span', cut.join('; ')] as const]
            : []),
          ['Programs of a step', `${result.programs} on ${result.provider === 'webgpu' ? 'WebGPU' : 'WASM'}`],
        ]}
      />
    </Panel>
  );
}

function AccuracyBar({
  label,
  accuracy,
  faint = false,
}: {
  readonly label: string;
  readonly accuracy: Accuracy;
  readonly faint?: boolean;
}) {
  const { share, low, high, total } = accuracy;
  return (
    <div className="accuracy">
      <span className="accuracy-label">{label}</span>
      <span className="accuracy-value">
        {percent(share)}
        <span className="figure-note">
          95 % interval over the {total} problems, of this one run: {percent(low)} to {percent(high)}
        </span>
      </span>
      <span className="accuracy-track" aria-hidden="true">
        <span className={faint ? 'accuracy-fill faint' : 'accuracy-fill'} style={{ width: length(share) }} />
        <span className="accuracy-interval" style={{ left: length(low), width: length(high - low) }} />
      </span>
    </div>
  );
}
