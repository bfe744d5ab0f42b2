import { useMemo } from 'react';
import type { LensReport } from '../../../../contract/lens';
import { LineChart } from '../../../charts/LineChart';
import type { HoverLink } from '../../../charts/link';
import { useTheme } from '../../../store/use-app';
import { Choice } from '../../../ui/Choice';
import { DataTable } from '../../../ui/DataTable';
import { FieldName } from '../../../ui/Field';
import { Figures, Panel } from '../../../ui/Panel';
import { spectrumLines } from '../lines';
import { sourceOf, summaryLine } from '../provenance';
import { cumulativeSentence, decaySentence } from '../sentences';
import { decayOf, summaryOf } from '../statistics';
import { STACK_WORDS } from '../words';

const NONE = 'none';
/** With fewer samples a bootstrap interval of the median covers less than its nominal level. */
const FEW = 8;

/** Figure 6 and the spectra behind it. */
export function SpectraView({
  report,
  link,
  highlighted,
  onHighlight,
}: {
  readonly report: LensReport;
  readonly link: HoverLink;
  readonly highlighted: string | null;
  readonly onHighlight: (label: string | null) => void;
}) {
  const theme = useTheme();
  const source = useMemo(() => sourceOf(report), [report]);
  const cumulative = useMemo(
    () =>
      spectrumLines(
        report,
        (s) => s.cumulative,
        (bands) => bands.cumulative,
      ),
    [report],
  );
  const decay = useMemo(() => spectrumLines(report, decayOf, (bands) => bands.decay), [report]);
  const labels = [
    ...new Map(report.selections.flatMap(({ spectra }) => spectra.map((s) => [s.label, s.about]))),
  ];
  const { one } = STACK_WORDS[report.request.stack];
  const banded = report.selections.filter(({ bands }) => bands !== null);
  const few = banded.some(({ spectra }) => spectra.length < FEW);
  return (
    <>
      <Panel title="How few directions" about={summaryLine(report)}>
        {report.selections.map(({ label, spectra }) => {
          const summary = summaryOf(spectra);
          const note = spectra.length === 1 ? undefined : 'median';
          return (
            <div key={label} className="lens-figures">
              {report.selections.length > 1 && <h4>{label}</h4>}
              <Figures
                items={[
                  {
                    label: 'Rank for 95 % of the energy',
                    value: `${summary.rank95} of ${summary.possible}`,
                    note: note && `${note}; at most ${summary.rank95Most}`,
                  },
                  { label: 'Rank for 99 %', value: `${summary.rank99} of ${summary.possible}`, note },
                  { label: 'Effective rank', value: summary.effective.toFixed(1), note },
                  { label: 'Stable rank', value: summary.stable.toFixed(2), note },
                ]}
              />
            </div>
          );
        })}
      </Panel>
      <Panel
        title="Spectra"
        about={`One faint curve per ${one} and a strong median${banded.length > 0 ? `, with the 95 % bootstrap band over samples${few ? ', too narrow for so few' : ''}` : ''}.`}
        actions={
          labels.length > 1 && (
            <Choice
              label={<FieldName label="Highlight" />}
              value={labels.some(([label]) => label === highlighted) ? highlighted! : NONE}
              onChange={(label) => onHighlight(label === NONE ? null : label)}
              options={[
                { id: NONE, label: 'nothing' },
                ...labels.map(([label, about]) => ({ id: label, label, about })),
              ]}
            />
          )
        }
      >
        <LineChart
          title="Cumulative singular values"
          summary={cumulativeSentence(report)}
          source={source}
          series={cumulative}
          x={{ label: 'rank r', column: 'rank' }}
          y={{ label: 'Σ σᵢ up to r / Σ σᵢ', range: [0, 1.02] }}
          scale="linear"
          theme={theme}
          height={340}
          fileName="cumulative-singular-values"
          link={link}
        />
        <LineChart
          title="Decay of singular values"
          summary={`Each singular value over the largest. ${decaySentence(report.selections)}`}
          source={source}
          series={decay}
          x={{ label: 'rank i', column: 'rank' }}
          y={{ label: 'σᵢ / σ₁' }}
          scale="log"
          theme={theme}
          height={300}
          fileName="singular-value-decay"
          link={link}
        />
      </Panel>
      <SpectraTable report={report} />
    </>
  );
}

const COLUMNS = ['Tokens', 'Rows', '80 %', '90 %', '95 %', '99 %', 'Effective rank', 'Stable rank'];

/** All spectra in numbers: of the selections, then of the controls. */
function SpectraTable({ report }: { readonly report: LensReport }) {
  const sets = [
    ...report.selections.map(({ label, spectra }) => ({ name: label, spectra })),
    ...report.controls.map(({ control, spectra }) => ({ name: control, spectra })),
  ];
  return (
    <Panel title="All spectra" about="Ranks are the smallest with that share of the energy Σσ².">
      <DataTable
        caption="All spectra"
        columns={['Matrix', ...(sets.length > 1 ? ['Of'] : []), ...COLUMNS]}
        rows={sets.flatMap(({ name, spectra }) =>
          spectra.map((s) => [
            s.label,
            ...(sets.length > 1 ? [name] : []),
            s.tokens,
            s.rows,
            ...s.energyRanks,
            s.effectiveRank.toFixed(2),
            s.stableRank.toFixed(2),
          ]),
        )}
        max={400}
      />
    </Panel>
  );
}
