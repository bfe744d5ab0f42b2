import { useMemo, useRef } from 'react';
import type { ThoughtReport } from '../../../contract/thoughts';
import { HeatMap } from '../../charts/HeatMap';
import { type AttentionChoice, shownAttention } from '../../store/attention-draft';
import { seenThoughts, shownThought } from '../../store/thoughts';
import { useActions, useApp, useTheme } from '../../store/use-app';
import { Choice } from '../../ui/Choice';
import { Notice } from '../../ui/ErrorNotice';
import { CheckField } from '../../ui/Field';
import { percent, visibleToken } from '../../ui/format';
import { FormUndo } from '../shared/FormUndo';
import { mostAttended, weightsOf } from './attention';

/** As many as CODI's figure 6 shows. */
const LISTED = 10;

const options = (all: string, one: string, count: number) => [
  { id: '', label: all },
  ...Array.from({ length: count }, (_, i) => ({ id: String(i + 1), label: `${one} ${i + 1}` })),
];

/** What the thoughts attend to (CODI figure 6): each as a row over the question's tokens and the thoughts before it. */
export function AttentionView() {
  const theme = useTheme();
  const latents = useApp((state) => state.latents);
  const { layers = 0, heads = 0 } = latents.session.value ?? {};
  const draft = useApp((state) => state.forms.attention.draft);
  const { shown: choice, missing } = useMemo(
    () => shownAttention(draft, { layers, heads }),
    [draft, layers, heads],
  );
  const { changeForm } = useActions();
  const form = useRef<HTMLDivElement>(null);
  const seen = useApp((state) => state.latents.seen);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made of these parts of the state only
  const reports = useMemo(() => seenThoughts(latents), [seen, latents.branches]);
  const matrix = useMemo(() => matrixOf(reports, choice), [reports, choice]);
  const report = shownThought(latents);
  if (!report || reports.length === 0) return null;
  const read = (text: string): number | null => (text === '' ? null : Number(text));
  return (
    <>
      <div className="attention-form" ref={form}>
        <Choice
          label="Layer"
          value={String(choice.layer ?? '')}
          options={options('mean of all', 'layer', layers)}
          onChange={(text) => changeForm('attention', { layer: read(text) })}
        />
        <Choice
          label="Head"
          value={String(choice.head ?? '')}
          options={options('mean of all', 'head', heads)}
          onChange={(text) => changeForm('attention', { head: read(text) })}
        />
        <CheckField
          label="Leave out the first token"
          help="Positions attend to it whatever it is; CODI’s figure 6 leaves it out."
          isSelected={choice.withoutFirst}
          onChange={(withoutFirst) => changeForm('attention', { withoutFirst })}
        />
        <div className="actions">
          <FormUndo name="attention" form={form} />
        </div>
      </div>
      {missing.map((sentence) => (
        <Notice key={sentence} kind="warning">
          {sentence}
        </Notice>
      ))}
      <HeatMap
        title="Attention of the thoughts"
        summary="Each row is a position, each column a token of the question or a thought that it may attend to; weights of a row sum to 1 over all columns."
        theme={theme}
        fileName="attention"
        height={140 + 26 * reports.length}
        {...matrix}
      />
      <h4>
        Most attended {report.step === 0 ? 'after the question' : `from z${report.step}`} (top {LISTED})
      </h4>
      <ol className="attended">
        {mostAttended(report, choice, LISTED).map(({ index, weight }) => (
          <li key={index}>
            <span className="token">{columnName(reports, report, index)}</span> {percent(weight)}
          </li>
        ))}
      </ol>
    </>
  );
}

/** A token of the question, or a thought with the token it decodes to, as in `z2 = 48`. */
function columnName(reports: readonly ThoughtReport[], { columns }: ThoughtReport, index: number): string {
  const { text, step } = columns[index]!;
  if (step === null) return visibleToken(text);
  const [best] = reports[step]?.layers.at(-1)?.top ?? [];
  return best ? `z${step} = ${visibleToken(best.text)}` : `z${step}`;
}

function matrixOf(reports: readonly ThoughtReport[], choice: AttentionChoice) {
  const last = reports.at(-1);
  const columns = last?.columns ?? [];
  const z = new Float64Array(reports.length * columns.length).fill(Number.NaN);
  reports.forEach((report, i) => {
    z.set(weightsOf(report, choice), i * columns.length);
  });
  return {
    x: {
      label: 'attended',
      values: columns.map((_, i) => (last ? columnName(reports, last, i) : '')),
    },
    y: { label: 'position', values: reports.map(({ step }) => (step === 0 ? 'question' : `z${step}`)) },
    z,
    value: { label: 'attention', format: '%' as const },
  };
}
