import { useState } from 'react';
import type { IntermediateResults, ThoughtTestReport } from '../../../../contract/thought-test';
import { Segments } from '../../../ui/Choice';
import { integer, visibleToken } from '../../../ui/format';
import { HeadRow } from '../../../ui/HeadRow';
import { Scroller } from '../../../ui/Scroller';
import { ShowMore } from '../../../ui/ShowMore';
import { TextEntry } from '../../../ui/TextEntry';

type Item = IntermediateResults['items'][number];

const PAGE = 20;

/** Problem by problem: which results are seen at which thoughts, and what is seen there. */
export function ResultItems({ report }: { readonly report: ThoughtTestReport }) {
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState<'all' | 'seen' | 'missed'>('all');
  const [count, setCount] = useState(PAGE);
  const { results, ids } = report;
  const wanted = search.trim();
  const found = results.items.filter(
    ({ problem, results: own }) =>
      (kind === 'all' || own.some((one) => one.found.length > 0 === (kind === 'seen'))) &&
      (wanted === '' || ids[problem] === wanted || own.some(({ result }) => result === wanted)),
  );
  return (
    <details>
      <summary>Results, problem by problem</summary>
      <div className="lens-wide-fields">
        <TextEntry
          label="Search the results"
          value={search}
          placeholder="a result such as 12, or an id"
          onChange={(next) => {
            setSearch(next);
            setCount(PAGE);
          }}
        />
      </div>
      <Segments
        label="Problems with a result that is"
        value={kind}
        options={[
          { id: 'all', label: 'any' },
          { id: 'seen', label: 'seen' },
          { id: 'missed', label: 'not seen' },
        ]}
        onChange={setKind}
      />
      <Scroller className="table-scroll" label="results by problem">
        <table className="evaluated">
          <caption aria-live="polite">
            {integer(found.length)} of {integer(results.items.length)} problems
          </caption>
          <HeadRow names={['Problem', 'Results', 'Most probable at each thought']} />
          <tbody>
            {found.slice(0, count).map((item) => (
              <Row key={item.problem} item={item} report={report} />
            ))}
          </tbody>
        </table>
      </Scroller>
      <ShowMore shown={count} total={found.length} page={PAGE} onChange={setCount} />
    </details>
  );
}

function Row({ item, report }: { readonly item: Item; readonly report: ThoughtTestReport }) {
  const { problem, results, thoughts } = item;
  const id = report.ids[problem] ?? '';
  const isRight = report.straight.outcomes[problem] === 1;
  const name = (at: number) => (at < thoughts.length ? `z${at}` : 'after the last');
  return (
    <tr>
      <th scope="row">
        {id}
        <span className="help">{isRight ? '✓ answered rightly' : '✕ answered wrongly'}</span>
        {/^held-out-\d+$/.test(id) && (
          <a className="help" href={`#/latents?question=${id}`}>
            Step through it
          </a>
        )}
      </th>
      <td>
        {results.length === 0
          ? 'none'
          : results.map(({ result, found, isLong, isElsewhere }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a result is its place
              <span key={i} className="help">
                {found.length > 0 ? `✓ ${result} at ${found.map(name).join(', ')}` : `✕ ${result} not seen`}
                {isLong && ', by decoding on'}
                {isElsewhere && '; also in another’s'}
              </span>
            ))}
      </td>
      <td>
        {thoughts.map(({ tokens, numbers }, t) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a thought is its place
          <span key={t} className="help">
            {name(t + 1)}: {tokens.map(visibleToken).join(' ')}
            {numbers.length > 0 && ` → ${numbers.join(', ')}`}
          </span>
        ))}
      </td>
    </tr>
  );
}
