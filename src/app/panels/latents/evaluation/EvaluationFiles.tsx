import { evaluationRows } from '../../../../contract/evaluation';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { CsvButton } from '../../../ui/CsvButton';
import { download } from '../../../ui/download';
import { OpenJsonFile } from '../../shared/OpenFile';

/** Bytes of the largest file that is read. */
const MAX_FILE = 64e6;

/** Evaluations out to files, and in from one. */
export function EvaluationFiles() {
  const list = useApp((state) => state.evaluation.list);
  const { readEvaluations } = useActions();
  const evaluations = list.map(({ evaluation }) => evaluation);
  return (
    <>
      <OpenJsonFile
        label="Open evaluations"
        max={MAX_FILE}
        hint="Choose a file that was downloaded here."
        read={readEvaluations}
      />
      {list.length > 0 && (
        <>
          <Button
            onPress={() =>
              download('evaluations.json', JSON.stringify({ evaluations }, null, 1), 'application/json')
            }
          >
            Download (JSON)
          </Button>
          <CsvButton look="plain" fileName="evaluations" rows={() => evaluationRows(evaluations)}>
            Every answer (CSV)
          </CsvButton>
        </>
      )}
    </>
  );
}
