import { DRAW_RANGES, dataErrors, initialDataDraft } from '../../store/data';
import { rowsToJsonl } from '../../store/data-export';
import { RANGE_ENDS, writeRange } from '../../store/ranges';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { limitsOf } from '../../store/whole';
import { Button } from '../../ui/Button';
import { download } from '../../ui/download';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { NumberField } from '../../ui/Field';
import { integer } from '../../ui/format';
import { Progress } from '../../ui/Progress';
import { TextEntry } from '../../ui/TextEntry';
import { DataUndo } from './DataUndo';

const limitsFor = (field: keyof typeof DRAW_RANGES) => limitsOf(DRAW_RANGES[field], initialDataDraft[field]);

/** Filter, sample and held-out rows. */
export function DrawForm() {
  const draft = useApp((state) => state.data.draft);
  const report = useApp((state) => state.data.report.value);
  const hasCounts = useApp((state) => state.data.counts.value !== null);
  const { changeData, drawnRows } = useActions();
  const errors = dataErrors(draft);
  const write = async (part: 'sample' | 'held-out') => {
    const rows = await drawnRows(part);
    if (rows && report)
      download(`${part}-seed-${draft.seed}.jsonl`, rowsToJsonl(rows, report), 'application/jsonl');
  };
  return (
    <div className="data-fields">
      <div className="data-pair">
        <NumberField
          whole
          label="Sample"
          tex="B"
          unit="rows"
          limits={limitsFor('samples')}
          value={draft.samples}
          onChange={(samples) => changeData({ samples })}
          error={errors.get('samples')}
        />
        <NumberField
          whole
          label="Held out"
          unit="rows"
          limits={limitsFor('heldOut')}
          value={draft.heldOut}
          onChange={(heldOut) => changeData({ heldOut })}
          error={errors.get('heldOut')}
        />
        <NumberField
          whole
          label="Seed"
          limits={limitsFor('seed')}
          value={draft.seed}
          onChange={(seed) => changeData({ seed })}
          error={errors.get('seed')}
        />
        <TextEntry
          label="Steps"
          value={draft.steps}
          onChange={(steps) => changeData({ steps })}
          placeholder="all"
          error={errors.get('steps')}
        />
        <TextEntry
          label="Words"
          value={draft.words}
          onChange={(words) => changeData({ words })}
          placeholder="all"
          error={errors.get('words')}
        />
        <TextEntry
          label="Tokens"
          value={draft.tokens}
          onChange={(tokens) => changeData({ tokens })}
          placeholder={hasCounts ? 'all' : 'not counted'}
          isDisabled={!hasCounts && draft.tokens === ''}
          error={errors.get('tokens')}
        />
      </div>
      <p className="help">
        Steps, words and tokens of a row: 3-8, 3- or -8, of whole numbers from {RANGE_ENDS[0]} to{' '}
        {RANGE_ENDS[1]}; empty, the default, for no limit. Words are counted in question and rationale; tokens
        in all that a model is fed: question, rationale and answer.
      </p>
      <DataUndo />
      <Counts />
      <div className="actions">
        <Button isDisabled={errors.size > 0} onPress={() => void write('sample')}>
          Download the sample
        </Button>
        <Button isDisabled={errors.size > 0 || draft.heldOut === 0} onPress={() => void write('held-out')}>
          Download the held-out rows
        </Button>
      </div>
    </div>
  );
}

/** Lengths in tokens, and what does not fit the model. */
function Counts() {
  const counts = useApp((state) => state.data.counts);
  const reader = useApp((state) => state.lens.opened.value?.name ?? 'the bundled teacher');
  const { countTokens, cancelCounting, changeData } = useActions();
  const { value } = counts;
  if (isBusy(counts))
    return (
      <Progress
        label="Counting tokens"
        {...counts.progress}
        onCancel={cancelCounting}
        cancelLabel="Cancel counting"
        isCancelling={counts.status === 'cancelling'}
      />
    );
  return (
    <>
      {value && (
        <p>
          {integer(value.all.least)} to {integer(value.all.most)} tokens per row, median{' '}
          {integer(value.all.median)}, for {value.model}.{' '}
          {value.positions === null
            ? 'Its files do not say how many positions it has.'
            : value.tooLong === 0
              ? `All fit its ${integer(value.positions)} positions.`
              : `${integer(value.tooLong)} are longer than its ${integer(value.positions)} positions (${value.tooLongRows.slice(0, 5).join(', ')}${value.tooLong > 5 ? ' …' : ''}); rows are never truncated.`}
        </p>
      )}
      {counts.status === 'failed' && <ErrorNotice title="The tokens were not counted" error={counts.error} />}
      <div className="actions">
        <Button onPress={() => void countTokens()}>Count tokens for {reader}</Button>
        {value !== null && value.positions !== null && value.tooLong > 0 && (
          <Button onPress={() => changeData({ tokens: writeRange([null, value.positions]) })}>
            Leave out longer rows
          </Button>
        )}
      </div>
    </>
  );
}
