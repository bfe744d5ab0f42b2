import { useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import { evaluationRows } from '../../../../contract/evaluation';
import { type Failure, failureOf } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { download } from '../../../ui/download';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { csv } from '../../../ui/format';

/** Bytes of the largest file that is read. */
const MAX_FILE = 64e6;

/** Evaluations out to files, and in from one. */
export function EvaluationFiles() {
  const list = useApp((state) => state.evaluation.list);
  const { readEvaluations } = useActions();
  const [failure, setFailure] = useState<Failure | null>(null);
  const take = async (files: FileList | null) => {
    const file = files?.[0];
    if (!file) return;
    setFailure(null);
    try {
      if (file.size > MAX_FILE)
        throw Object.assign(new Error(`${file.name} has ${file.size} bytes; at most ${MAX_FILE} are read`), {
          code: 'file',
          hint: 'Choose a file that was downloaded here.',
        });
      readEvaluations(await file.text());
    } catch (thrown) {
      setFailure(failureOf(thrown));
    }
  };
  const evaluations = list.map(({ evaluation }) => evaluation);
  return (
    <>
      <FileTrigger acceptedFileTypes={['application/json', '.json']} onSelect={(files) => void take(files)}>
        <Button>Open evaluations</Button>
      </FileTrigger>
      {list.length > 0 && (
        <>
          <Button
            onPress={() =>
              download('evaluations.json', JSON.stringify({ evaluations }, null, 1), 'application/json')
            }
          >
            Download (JSON)
          </Button>
          <Button onPress={() => download('evaluations.csv', csv(evaluationRows(evaluations)), 'text/csv')}>
            Every answer (CSV)
          </Button>
        </>
      )}
      {failure && <ErrorNotice title="The file cannot be used" error={failure} />}
    </>
  );
}
