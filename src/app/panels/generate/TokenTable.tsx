import { useState } from 'react';
import type { CsvRows } from '../../../text/csv';
import type { LiveToken } from '../../store/generation';
import { DataTable } from '../../ui/DataTable';
import { probability, visibleToken } from '../../ui/format';

const COLUMNS = ['Place', 'Token', 'Id', 'Probability', 'Log-probability', 'Drawn with'];

/** Every token as it is, with all digits: probabilities as shares, log-probabilities in nats. */
export const tokenRows = (tokens: readonly LiveToken[]): CsvRows => [
  COLUMNS.map((name) => name.toLowerCase()),
  ...tokens.map(({ text, id, logProbability, probability: drawn }, i) => [
    ...[i + 1, text, id, Math.exp(logProbability), logProbability, drawn],
  ]),
];

/** Every token with its numbers, where it is asked for. */
export function TokenTable({
  name,
  tokens,
}: {
  readonly name: string;
  readonly tokens: readonly LiveToken[];
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Tokens of {name} as a table</summary>
      {isOpen && (
        <DataTable
          caption="Probabilities of the model itself, and those the tokens were drawn with"
          columns={COLUMNS}
          max={tokens.length}
          rows={tokens.map((token, i) => [
            i + 1,
            visibleToken(token.text),
            token.id,
            probability(Math.exp(token.logProbability)),
            token.logProbability.toPrecision(4),
            probability(token.probability),
          ])}
        />
      )}
    </details>
  );
}
