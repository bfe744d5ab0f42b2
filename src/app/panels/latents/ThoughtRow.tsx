import type { TokenProbability } from '../../../contract/events';
import type { ThoughtReport } from '../../../contract/thoughts';
import { Formula } from '../../ui/Formula';
import { duration, length, probability, visibleToken } from '../../ui/format';

/** One latent thought, as the tokens it would decode to. */
export function ThoughtRow({
  thought: { step, fed, milliseconds },
  max,
}: {
  readonly thought: ThoughtReport;
  /** Tokens shown. */
  readonly max: number;
}) {
  if (!fed) return null;
  return (
    <li className="thought">
      <div className="thought-head">
        <Formula tex={`z_{${step}}`} />
        <span className="muted">entropy {fed.entropy.toFixed(2)} nats</span>
        <span className="muted">{duration(milliseconds)}</span>
      </div>
      <TokenBars tokens={fed.top.slice(0, max)} />
    </li>
  );
}

/** Tokens with their probabilities, as bars and as numbers. */
export function TokenBars({ tokens }: { readonly tokens: readonly TokenProbability[] }) {
  return (
    <ol className="token-bars">
      {tokens.map(({ id, text, probability: share }) => (
        <li key={id}>
          <span className="token">{visibleToken(text)}</span>
          <span className="bar-track" aria-hidden="true">
            <span className="bar-fill" style={{ width: length(share) }} />
          </span>
          <span className="bar-value">{probability(share)}</span>
        </li>
      ))}
    </ol>
  );
}
