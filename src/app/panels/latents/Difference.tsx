import type { AnswerDifference } from '../../../contract/thoughts';
import { CsvButton } from '../../ui/CsvButton';
import { probability, significant, visibleToken } from '../../ui/format';
import { Scroller } from '../../ui/Scroller';

/** What a branch changed in the answer: its first token's distribution, and the divergence along the reference's answer. */
export function Difference({
  difference: { before, after, first, divergence },
  before: reference,
  after: branch,
}: {
  readonly difference: AnswerDifference;
  readonly before: string;
  readonly after: string;
}) {
  const total = divergence.reduce((sum, { nats }) => sum + nats, 0);
  const same = before.text === after.text;
  return (
    <section aria-label="What the branch changed">
      <h4>What the branch changed</h4>
      <p>
        {total === 0
          ? 'Nothing: both distributions are the same to the bit.'
          : `${same ? 'The answer stays' : 'The answer changes'}: “${before.text}”${same ? '' : ` becomes “${after.text}”`}. KL at the first token ${significant(divergence[0]?.nats ?? 0, 3)} nats, along the whole answer ${significant(total, 3)} nats.`}
      </p>
      {total > 0 && (
        <Scroller className="table-scroll" label="First token of the answer">
          <table>
            <caption>
              First token of the answer: the largest changes, from “{reference}” to “{branch}”
            </caption>
            <thead>
              <tr>
                <th scope="col">Token</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
                <th scope="col">Change</th>
              </tr>
            </thead>
            <tbody>
              {first.map((token) => (
                <tr key={token.id}>
                  <th scope="row">
                    <span className="token">{visibleToken(token.text)}</span>
                  </th>
                  <td>{probability(token.before)}</td>
                  <td>{probability(token.after)}</td>
                  <td>{signed(token.after - token.before)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroller>
      )}
      <p className="help">
        KL(before ‖ after) = Σ p·log(p/q) over all tokens, at each token of the reference’s answer given those
        before it:{' '}
        {divergence.map(({ text, nats }) => `${visibleToken(text)} ${significant(nats, 3)}`).join(', ')} nats.
      </p>
      <div className="actions">
        <CsvButton fileName="branch-difference" rows={() => rowsOf(first, divergence)}>
          The difference (CSV)
        </CsvButton>
      </div>
    </section>
  );
}

const rowsOf = (
  first: AnswerDifference['first'],
  divergence: AnswerDifference['divergence'],
): (string | number)[][] => [
  ['what', 'token', 'id', 'probability before', 'probability after', 'KL (nats)'],
  ...first.map(({ text, id, before, after }) => ['first token', text, id, before, after, '']),
  ...divergence.map(({ text, nats }, i) => [`divergence at token ${i + 1}`, text, '', '', '', nats]),
];

const signed = (change: number): string =>
  `${change < 0 ? '−' : '+'}${Math.abs(100 * change).toFixed(1)} points`;
