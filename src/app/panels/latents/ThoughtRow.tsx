import type { LatentThought, TokenProbability } from '../../../contract/events';
import { Formula } from '../../ui/Formula';
import { duration, length, probability, visibleToken } from '../../ui/format';

/** One latent thought, as the tokens it would decode to. */
export function ThoughtRow({
  thought,
  max = thought.top.length,
}: {
  readonly thought: LatentThought;
  /** Tokens shown. */
  readonly max?: number;
}) {
  return (
    <li className="thought">
      <div className="thought-head">
        <Formula tex={`z_{${thought.step}}`} />
        <span className="muted">entropy {thought.entropy.toFixed(2)} nats</span>
        <span className="muted">{duration(thought.milliseconds)}</span>
      </div>
      <TokenBars tokens={thought.top.slice(0, max)} />
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
