import './generate.css';
import { useRef, useState } from 'react';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Segments } from '../../ui/Choice';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Empty, Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { useUndoKeys } from '../../ui/UndoButtons';
import { RequestCard } from './RequestCard';
import { SampleView } from './SampleView';
import { Speed } from './Speed';
import { aboutSentence } from './words';

/** A prompt continued by any of the models, token by token. Ctrl+Z undoes a change of the settings. */
export function GeneratePanel() {
  const { task, live } = useApp((state) => state.generation);
  const { generate, cancelGeneration, undoGeneration, redoGeneration } = useActions();
  const form = useRef<HTMLDivElement>(null);
  useUndoKeys(form, { undo: undoGeneration, redo: redoGeneration });
  const [shown, setShown] = useState<'text' | 'tokens'>('text');
  const busy = isBusy(task);
  const compiling =
    busy && task.progress?.phase === 'compile' && (live?.samples[0]?.tokens.length ?? 0) === 0;
  return (
    <div className="place with-side">
      <div className="side" ref={form}>
        <RequestCard />
      </div>
      <div className="main">
        {task.status === 'failed' && (
          <ErrorNotice title="No text was generated" error={task.error}>
            <Button onPress={() => void generate()}>Try again</Button>
          </ErrorNotice>
        )}
        {busy && (live === null || compiling || task.status === 'starting') && (
          <Progress
            label={
              task.status === 'starting'
                ? 'Waiting for the models'
                : compiling
                  ? 'Compiling programs and reading the prompt'
                  : 'Generating'
            }
            elapsed={task.progress?.elapsed ?? 0}
            onCancel={cancelGeneration}
            isCancelling={task.status === 'cancelling'}
          />
        )}
        {live === null ? (
          !busy &&
          task.status !== 'failed' && (
            <Empty>
              Type a prompt and press Generate. The text appears token by token, with the probability that the
              model gave to each.
            </Empty>
          )
        ) : (
          <Panel
            title={live.samples.length === 1 ? 'Continuation' : 'Continuations'}
            about={aboutSentence(live, live.report)}
            actions={
              <Segments
                label="Shown as"
                value={shown}
                options={[
                  { id: 'text', label: 'Text' },
                  { id: 'tokens', label: 'Tokens' },
                ]}
                onChange={setShown}
              />
            }
          >
            <Speed live={live} report={live.report} isBusy={busy} />
            <ol className="samples">
              {live.samples.map((sample, i) => (
                <SampleView
                  // biome-ignore lint/suspicious/noArrayIndexKey: samples are known by their number
                  key={i}
                  number={live.samples.length === 1 ? null : i + 1}
                  sample={sample}
                  prompt={live.request.prompt}
                  shown={shown}
                  isBusy={busy && sample.ending === null}
                />
              ))}
            </ol>
          </Panel>
        )}
      </div>
    </div>
  );
}
