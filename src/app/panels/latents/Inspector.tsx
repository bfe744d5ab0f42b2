import type { FedThought, NextFed, TeacherDistance, ThoughtReport } from '../../../contract/thoughts';
import { shownSentence } from '../../store/latent-choice';
import { shownThought } from '../../store/thoughts';
import { useApp } from '../../store/use-app';
import { duration, percent, probability, significant, visibleToken } from '../../ui/format';
import { Facts } from '../../ui/Panel';
import { TokenBars } from './ThoughtRow';

/** The thought that is shown: what was fed, what a layer says after it, how it stands to the teacher, and what is fed next. */
export function Inspector() {
  const latents = useApp((state) => state.latents);
  const report = shownThought(latents);
  const session = latents.session.value;
  if (!report || !session) return null;
  const layer = latents.layer ?? session.layers;
  const shown = report.layers[layer - 1];
  return (
    <div className="columns-2">
      <section aria-label="What is fed">
        <h4>{report.step === 0 ? 'After the question' : `Fed as z${report.step}`}</h4>
        {report.fed && (
          <>
            <TokenBars tokens={report.fed.top} />
            <Facts items={fedFacts(report.fed, report)} />
            {report.fed.isChanged && (
              <p className="help">
                The tokens are those of the thought before the intervention; what was fed is the vector below.
              </p>
            )}
            <p className="help">{shownSentence(session)}</p>
            <Values values={report.fed.values} name={`z${report.step}`} />
          </>
        )}
        {report.stop !== undefined && (
          <p>
            Probability that its stop head ends the reasoning here:{' '}
            <strong>{probability(report.stop)}</strong>
          </p>
        )}
        <Next next={report.next} step={report.step} />
      </section>
      {shown && (
        <section aria-label="What a layer says">
          <h4>
            Layer {layer} of {session.layers},{' '}
            {report.step === 0 ? 'after the question' : `at z${report.step}`}
          </h4>
          <TokenBars tokens={shown.top} />
          <Facts
            items={[
              ['Entropy', `${shown.entropy.toFixed(2)} nats`],
              ['Norm of the state', significant(shown.norm)],
              ...teacherFacts(report.teacher, layer, session.hidden),
            ]}
          />
        </section>
      )}
    </div>
  );
}

const fedFacts = (fed: FedThought, { milliseconds, ran }: ThoughtReport): [string, string][] => [
  ['Entropy', `${fed.entropy.toFixed(2)} nats`],
  [
    'Norm',
    fed.isChanged ? `${significant(fed.norm)}, ${significant(fed.normBefore)} before` : significant(fed.norm),
  ],
  ['Time of the step', `${duration(milliseconds)}${ran > 1 ? `; ${ran} passes were run to get here` : ''}`],
];

/** Energy is shown for up to this many directions. */
const DIRECTIONS = [1, 4, 16, 32];

function teacherFacts(
  teacher: readonly TeacherDistance[] | { readonly missing: string },
  layer: number,
  hidden: number,
): [string, string][] {
  if ('missing' in teacher) return [['Teacher', `Not compared: ${teacher.missing}.`]];
  const found = teacher[layer - 1];
  if (!found) return [];
  const { nearest, toMean, energy } = found;
  const ranks = [...new Set(DIRECTIONS.map((r) => Math.min(r, energy.length)))];
  return [
    [
      'Nearest rationale token',
      `${visibleToken(nearest.text)} (token ${nearest.index + 1}): ‖h − t‖/‖t‖ ${significant(nearest.distance, 3)}, cosine ${nearest.cosine.toFixed(3)}`,
    ],
    ['Distance to the rationale’s mean', `‖h − m‖/‖m‖ ${significant(toMean, 3)}`],
    [
      'Energy in the rationale’s leading directions',
      ranks.map((r) => `r = ${r}: ${percent(energy[r - 1] ?? 0)} (random ${percent(r / hidden)})`).join('; '),
    ],
  ];
}

function Next({ next, step }: { readonly next: NextFed; readonly step: number }) {
  return (
    <div className="next-fed">
      <h4>Fed next</h4>
      {next.kind === 'prompt' ? (
        <p>
          The answer’s prompt, {next.tokens.length} tokens:{' '}
          {next.tokens.map((text, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place
            <span key={i} className="token">
              {visibleToken(text)}
            </span>
          ))}
        </p>
      ) : (
        <p>
          z{step + 1}, a vector of norm {significant(next.norm)}:{' '}
          {next.top.slice(0, 3).map(({ id, text, probability: share }) => (
            <span key={id} className="next-token">
              <span className="token">{visibleToken(text)}</span> {percent(share)}{' '}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

/** Nine digits tell every float32 apart. */
const exact = (x: number) => String(Number(x.toPrecision(9)));

/** The values of a vector, to be copied, for example into an intervention. */
function Values({ values, name }: { readonly values: Float32Array; readonly name: string }) {
  return (
    <details>
      <summary>
        {values.length} values of {name}
      </summary>
      <pre>{Array.from(values, exact).join(', ')}</pre>
    </details>
  );
}
