import { type KeyboardEvent, memo, useId, useState } from 'react';
import type { LiveToken } from '../../store/generation';
import { probability, visibleToken } from '../../ui/format';

/** Surprisal in nats at which the shade is full. */
const FULL = 6;

/** The tokens one by one: the pointer, or the arrow keys, tell what the model thought of each. */
export function DrawnTokens({
  label,
  tokens,
}: {
  readonly label: string;
  readonly tokens: readonly LiveToken[];
}) {
  const id = useId();
  const [chosen, setChosen] = useState<number | null>(null);
  const at = chosen === null ? null : Math.min(chosen, tokens.length - 1);
  const token = at === null ? undefined : tokens[at];
  const onKeyDown = (event: KeyboardEvent) => {
    const now = at ?? -1;
    const next = {
      ArrowRight: now + 1,
      ArrowDown: now + 1,
      ArrowLeft: now - 1,
      ArrowUp: now - 1,
      Home: 0,
      End: tokens.length - 1,
    }[event.key];
    if (next === undefined || tokens.length === 0) return;
    event.preventDefault();
    setChosen(Math.max(0, Math.min(tokens.length - 1, next)));
  };
  return (
    <div className="drawn-view">
      <div
        className="drawn-list"
        role="listbox"
        aria-label={label}
        tabIndex={0}
        aria-activedescendant={at === null || token === undefined ? undefined : `${id}-${at}`}
        onKeyDown={onKeyDown}
        onFocus={() => setChosen((before) => before ?? 0)}
      >
        {tokens.map((one, i) => (
          <DrawnToken
            // biome-ignore lint/suspicious/noArrayIndexKey: tokens are known by their place
            key={i}
            id={`${id}-${i}`}
            token={one}
            index={i}
            isChosen={i === at}
            onChoose={setChosen}
          />
        ))}
      </div>
      <p className="drawn-facts">
        {token === undefined
          ? 'Point at a token, or move to one with the arrow keys. The stronger its shade, the less the model expected it.'
          : factsOf(token, (at as number) + 1)}
      </p>
    </div>
  );
}

const factsOf = ({ id, text, logProbability, probability: drawn }: LiveToken, place: number) =>
  `Token ${place}: ${visibleToken(text)}, id ${id}. The model gave it ${probability(Math.exp(logProbability))} (log-probability ${logProbability.toPrecision(3)}); it was drawn with ${probability(drawn)}.`;

const DrawnToken = memo(function DrawnToken({
  id,
  token,
  index,
  isChosen,
  onChoose,
}: {
  readonly id: string;
  readonly token: LiveToken;
  readonly index: number;
  readonly isChosen: boolean;
  readonly onChoose: (index: number) => void;
}) {
  const shade = Math.min(1, -token.logProbability / FULL);
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its active option
    <span
      id={id}
      role="option"
      aria-selected={isChosen}
      aria-label={`${visibleToken(token.text)}, ${probability(Math.exp(token.logProbability))}`}
      className="drawn-token"
      style={{ '--shade': `${Math.round(34 * shade)}%` } as React.CSSProperties}
      onPointerEnter={() => onChoose(index)}
    >
      {token.text.includes('\n') ? token.text.replaceAll('\n', '⏎\n') : token.text}
    </span>
  );
});
