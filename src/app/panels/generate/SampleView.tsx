import { useState } from 'react';
import type { LiveSample } from '../../store/generation';
import { Button } from '../../ui/Button';
import { CsvButton } from '../../ui/CsvButton';
import { ENDINGS } from '../shared/endings';
import { DrawnTokens } from './DrawnTokens';
import { TokenTable, tokenRows } from './TokenTable';

/** One continuation, behind the prompt it continues. */
export function SampleView({
  number,
  sample,
  prompt,
  shown,
  isBusy,
}: {
  /** `null` where there is only one. */
  readonly number: number | null;
  readonly sample: LiveSample;
  readonly prompt: string;
  readonly shown: 'text' | 'tokens';
  readonly isBusy: boolean;
}) {
  const [copied, setCopied] = useState('');
  const copy = () => {
    navigator.clipboard.writeText(sample.text).then(
      () => setCopied('Copied.'),
      () => setCopied('The browser refused; select the text instead.'),
    );
  };
  const name = number === null ? 'the continuation' : `sample ${number}`;
  return (
    <li className="sample">
      {number !== null && <h4>Sample {number}</h4>}
      {shown === 'text' ? (
        <p className="sample-text" aria-busy={isBusy}>
          <span className="muted">{prompt}</span>
          {sample.text}
          {isBusy && <span className="caret" aria-hidden="true" />}
        </p>
      ) : (
        <DrawnTokens label={`Tokens of ${name}`} tokens={sample.tokens} />
      )}
      <div className="actions">
        <Button
          look="quiet"
          isDisabled={sample.text === ''}
          aria-label={`Copy the text of ${name}`}
          onPress={copy}
        >
          Copy
        </Button>
        {sample.tokens.length > 0 && (
          <CsvButton
            title={`Tokens of ${name}`}
            fileName={number === null ? 'tokens' : `tokens-sample-${number}`}
            rows={() => tokenRows(sample.tokens)}
          >
            Tokens (CSV)
          </CsvButton>
        )}
        <span className="muted">
          {sample.ending !== null ? ENDINGS[sample.ending] : isBusy ? '' : 'Stopped.'}
        </span>
        <span aria-live="polite">{copied}</span>
      </div>
      {sample.tokens.length > 0 && <TokenTable name={name} tokens={sample.tokens} />}
    </li>
  );
}
