import './rows-figure.css';
import { useEffect } from 'react';
import { dataErrors, figureRows, filterOf, filterWords, rationaleWords } from '../../store/data';
import { readRange } from '../../store/ranges';
import { type RowsEstimate, rowsEstimate } from '../../store/rows-estimate';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { bytes, duration, integer } from '../../ui/format';

/** Figure 6 of the data set’s rationales under the model that was opened: what it takes, and the button. */
export function RowsFigure({ look = 'plain' }: { readonly look?: 'plain' | 'primary' }) {
  const model = useApp((state) => state.lens.opened.value);
  const report = useApp((state) => state.data.report);
  const cost = useApp((state) => state.data.cost);
  const passing = useApp((state) => state.data.page.value?.passing);
  const counts = useApp((state) => state.data.counts);
  const draft = useApp((state) => state.data.draft);
  const busy = useApp((state) => isBusy(state.lens.report));
  const deviceIsOpen = useApp((state) => state.device.status === 'done');
  const provider = useApp((state) => state.device.value?.provider);
  const { prepareRows, showRowsFigure } = useActions();
  const key = model?.sha256;
  // The cost is told before the button is pressed: the rows that come with the page are a small file of its own.
  useEffect(() => {
    if (key !== undefined && deviceIsOpen) void prepareRows();
  }, [key, deviceIsOpen, prepareRows]);
  if (model === null) return null;
  const filter = filterWords(filterOf(draft));
  const { value } = cost;
  const sampled = Math.min(draft.samples, passing ?? draft.samples);
  const isPart = value !== null && value.rows === figureRows(draft) && value.rows < sampled;
  const leavesOut = report.value?.steps.least === 0 && readRange(draft.steps).range?.[0] === null;
  const waiting = isBusy(report) || isBusy(counts);
  const estimate = value && provider ? rowsEstimate(model, provider, value) : null;
  return (
    <div className="rows-figure">
      <p className="help">
        {value && report.value ? (
          <>
            {isPart && 'The first '}
            {value.rows} {isPart && `of the ${integer(sampled)} sampled `}
            {value.rows === 1 ? 'row' : 'rows'} of {report.value.name}, drawn with seed {draft.seed}
            {filter && ` from those with ${filter}`}: {integer(value.fed)} tokens are fed, at most{' '}
            {integer(value.longest)} a row; the hidden states of {integer(value.rationale)} rationale tokens
            in {model.layers} layers take {bytes(value.bytes)}.{estimate && ` ${estimateWords(estimate)}`}
          </>
        ) : waiting ? (
          'Reading the rows …'
        ) : (
          'Rationales of a data set, read by the model that is open.'
        )}
        {value && value.tooLong.length > 0 && (
          <>
            {' '}
            {value.tooLong.length} of them are longer than the model’s positions (
            {value.tooLong.slice(0, 5).join(', ')}
            {value.tooLong.length > 5 && ' …'}). Rows are never cut: the tokens of all rows are counted first,
            and others are drawn in their place.
          </>
        )}
        {value && isPart && ' Low-rank decomposes no more at a time.'}
        {value && leavesOut && ' Rows without a rationale are left out.'}
      </p>
      {cost.status === 'failed' && (
        <ErrorNotice title="The rows cannot be read by this model" error={cost.error} />
      )}
      <div className="actions">
        <Button
          look={look}
          isDisabled={busy || waiting || dataErrors(draft).has('samples')}
          onPress={() => void showRowsFigure()}
        >
          Figure 6 of{' '}
          {rationaleWords(draft, report.value?.format === 'gsm8k' || !report.value ? 'GSM8K' : '')}
        </Button>
      </div>
    </div>
  );
}

export function estimateWords({ memory, kept, seconds, fits, fittingTokens }: RowsEstimate): string {
  const time =
    seconds === undefined
      ? ''
      : ` The forward passes take about ${duration(1000 * seconds)} on one thread, not counting the decomposition.`;
  if (fits === null)
    return `Estimated memory: ${bytes(memory)}, page included. Whether it fits is not known: a GPU does not say how much memory it has.${time}`;
  const room = fits
    ? ''
    : ` That does not fit: ${fittingTokens === undefined ? 'choose a smaller checkpoint, or WebGPU' : `use rows of at most ${fittingTokens} tokens`}.`;
  const most =
    kept > 0.05 * memory
      ? `, up to ${bytes(memory + kept)} with what is kept of earlier requests until room is needed`
      : '';
  return `Estimated memory: ${bytes(memory)}, page included${most}.${room}${time}`;
}
