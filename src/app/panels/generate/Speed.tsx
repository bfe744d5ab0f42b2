import type { GenerateReport } from '../../../contract/generate';
import type { LiveGeneration } from '../../store/generation';
import { duration, integer } from '../../ui/format';
import { Figures } from '../../ui/Panel';

/** How many tokens, and how fast: while they come, and in the end. */
export function Speed({
  live,
  report,
  isBusy,
}: {
  readonly live: LiveGeneration;
  readonly report: GenerateReport | null;
  readonly isBusy: boolean;
}) {
  const tokens = live.samples.reduce((sum, sample) => sum + sample.tokens.length, 0);
  const rate = report?.tokensPerSecond ?? live.tokensPerSecond;
  return (
    <>
      <Figures
        items={[
          { label: 'Tokens', value: integer(tokens) },
          { label: 'Tokens per second', value: rate === null ? '–' : rate.toFixed(1) },
          ...(report
            ? [
                { label: 'To the first token', value: duration(1000 * report.seconds.first) },
                { label: 'Compiling before', value: duration(1000 * report.seconds.compile) },
              ]
            : []),
        ]}
      />
      <p className="visually-hidden" aria-live="polite">
        {isBusy ? 'Generating.' : `${integer(tokens)} tokens were generated.`}
      </p>
    </>
  );
}
