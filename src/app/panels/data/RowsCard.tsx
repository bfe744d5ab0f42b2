import { Fragment, useState } from 'react';
import { judge, type RuleId, whyMarked } from '../../../contract/answer-rules';
import type { DataPart, DataReport, SizedRow } from '../../../contract/data';
import { PAGE_ROWS } from '../../store/data';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Segments } from '../../ui/Choice';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { integer } from '../../ui/format';
import { HeadRow } from '../../ui/HeadRow';
import { Panel } from '../../ui/Panel';
import { Scroller } from '../../ui/Scroller';
import { RunInputs } from '../shared/RunInputs';
import { Marked } from './Marked';

const PARTS: readonly { readonly id: DataPart; readonly label: string }[] = [
  { id: 'all', label: 'All that pass' },
  { id: 'sample', label: 'Sample' },
  { id: 'held-out', label: 'Held out' },
];

/** The rows, a page at a time. */
export function RowsCard({ report }: { readonly report: DataReport }) {
  const page = useApp((state) => state.data.page);
  const first = useApp((state) => state.data.first);
  const part = useApp((state) => state.data.draft.part);
  const chosen = useApp((state) => state.data.rule);
  const { changeData, showRows } = useActions();
  const { value } = page;
  const rule = chosen ?? report.rule;
  const total = value?.total ?? 0;
  const last = Math.min(first + PAGE_ROWS, total);
  return (
    <Panel
      title="Rows"
      about={value ? `${integer(value.passing)} of ${integer(report.rows)} rows pass the filter.` : undefined}
      actions={
        <Segments
          label="Rows shown"
          hideLabel
          value={part}
          options={PARTS}
          onChange={(next) => changeData({ part: next })}
        />
      }
    >
      {page.status === 'failed' && <ErrorNotice title="The rows were not drawn" error={page.error} />}
      {value && total === 0 && page.status !== 'failed' && (
        <>
          <p className="muted">
            {value.passing === 0 ? 'No row passes the filter.' : 'No rows are held out.'}
          </p>
          {value.passing === 0 && (
            <div className="actions">
              <Button onPress={() => changeData({ steps: '', words: '', tokens: '' })}>
                Clear the filter
              </Button>
            </div>
          )}
        </>
      )}
      {value && total > 0 && (
        <>
          <RowsTable rows={value.rows} rule={rule} caption={`Rows ${first + 1} to ${last} of ${total}`} />
          <nav className="actions" aria-label="Pages of rows">
            <Button isDisabled={first === 0} onPress={() => showRows(0)}>
              First
            </Button>
            <Button isDisabled={first === 0} onPress={() => showRows(first - PAGE_ROWS)}>
              Previous
            </Button>
            <span>
              {integer(first + 1)}–{integer(last)} of {integer(total)}
            </span>
            <Button isDisabled={last >= total} onPress={() => showRows(first + PAGE_ROWS)}>
              Next
            </Button>
            <Button isDisabled={last >= total} onPress={() => showRows(total - 1)}>
              Last
            </Button>
          </nav>
        </>
      )}
    </Panel>
  );
}

function RowsTable({
  rows,
  rule,
  caption,
}: {
  readonly rows: readonly SizedRow[];
  readonly rule: RuleId;
  readonly caption: string;
}) {
  const [shown, setShown] = useState<string | null>(null);
  return (
    <Scroller className="data-scroll data-rows" label="rows">
      <table className="data-table">
        <caption>{caption}</caption>
        <HeadRow names={['Row', 'Question', 'Rationale', 'Answer, as marked']} />
        <tbody>
          {rows.map((row) => (
            <Fragment key={row.id}>
              <tr>
                <th scope="row">
                  {row.id}
                  <span className="help">line {integer(row.line)}</span>
                  <span className="help">
                    {row.steps.length} {row.steps.length === 1 ? 'step' : 'steps'}
                  </span>
                  <span className="help">{row.words} words</span>
                  {row.tokens !== null && <span className="help">{row.tokens} tokens</span>}
                  <Button
                    look="quiet"
                    aria-expanded={shown === row.id}
                    aria-label={`Tokens of ${row.id}`}
                    onPress={() => setShown(shown === row.id ? null : row.id)}
                  >
                    <span aria-hidden="true">{shown === row.id ? '▾' : '▸'} </span>Tokens
                  </Button>
                </th>
                <td className="data-text">{row.question}</td>
                <td className="data-text">{row.rationale === '' ? '–' : row.rationale}</td>
                <td>
                  <AnswerCell row={row} rule={rule} />
                </td>
              </tr>
              {shown === row.id && (
                <tr>
                  <td colSpan={4} className="data-inputs">
                    <section aria-label={`The tokens of ${row.id}`}>
                      <RunInputs of={{ kind: 'row', id: row.id }} isOfRows />
                    </section>
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

/** What the rule takes from the reference text, and why. */
function AnswerCell({ row, rule }: { readonly row: SizedRow; readonly rule: RuleId }) {
  const { mark, right } = judge(rule, row.reference, row.answer);
  return (
    <>
      <strong>{mark?.value ?? 'none'}</strong>
      {!right && (
        <span className="field-error">
          <span aria-hidden="true">⚠ </span>not the set’s answer, {row.answer}
        </span>
      )}
      <Marked text={row.reference} mark={mark} />
      <span className="help">{whyMarked(rule, mark, row.reference)}</span>
    </>
  );
}
