import { useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import type { RunState } from '../../store/run';
import { formatRunFile, LARGEST_RUN_FILE } from '../../store/run-file';
import { type Failure, failureOf } from '../../store/task';
import { TERMS } from '../../store/terms';
import { useActions } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { download } from '../../ui/download';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { csv } from '../../ui/format';

export function runCsv({ series }: Pick<RunState, 'series'>): string {
  const terms = TERMS.filter((term) => series.losses[term]);
  const accuracyAt = new Map(
    series.accuracy.filter(({ set }) => set === 'validation').map((event) => [event.step, event.accuracy]),
  );
  const head = [
    'step',
    ...terms.map((term) => `loss ${term}`),
    'learning rate',
    'gradient norm',
    'milliseconds',
    'validation accuracy',
    'low',
    'high',
  ];
  const rows = series.step.map((step, i) => {
    const accuracy = accuracyAt.get(step);
    return [
      step,
      ...terms.map((term) => series.losses[term]?.[i] ?? null),
      series.learningRate[i] ?? null,
      series.gradientNorm[i] ?? null,
      series.milliseconds[i] ?? null,
      accuracy?.share ?? null,
      accuracy?.low ?? null,
      accuracy?.high ?? null,
    ];
  });
  return csv([head, ...rows]);
}

/** A run out to a file and in from one. */
export function RunFiles({ run }: { readonly run: RunState }) {
  const { readRunFile } = useActions();
  const [failure, setFailure] = useState<Failure | null>(null);
  const [read, setRead] = useState('');
  const has = run.series.step.length > 0;
  const name = `lori-${run.config?.method ?? 'run'}-seed${run.config?.seed ?? 0}`;

  const take = async (files: FileList | null) => {
    const file = files?.[0];
    if (!file) return;
    setFailure(null);
    setRead('');
    try {
      // Read no more of a file than could be a run's.
      readRunFile(await file.slice(0, 4 * LARGEST_RUN_FILE + 1).text());
      setRead(`${file.name} is in the form; Start repeats it.`);
    } catch (thrown) {
      setFailure(failureOf(thrown));
    }
  };

  return (
    <>
      <div className="actions">
        <FileTrigger acceptedFileTypes={['application/json', '.json']} onSelect={(files) => void take(files)}>
          <Button>Load a run file</Button>
        </FileTrigger>
        {has && (
          <>
            <Button onPress={() => download(`${name}.json`, formatRunFile(run), 'application/json')}>
              Download run file
            </Button>
            <Button onPress={() => download(`${name}.csv`, runCsv(run), 'text/csv')}>Download CSV</Button>
          </>
        )}
        <span role="status" className="help">
          {read}
        </span>
      </div>
      {failure && <ErrorNotice title="The run file cannot be used" error={failure} />}
    </>
  );
}
