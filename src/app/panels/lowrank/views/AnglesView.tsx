import { useMemo } from 'react';
import type { AngleReport, LensReport } from '../../../../contract/lens';
import { LineChart } from '../../../charts/LineChart';
import type { HoverLink } from '../../../charts/link';
import type { LineSeries } from '../../../charts/series';
import { useTheme } from '../../../store/use-app';
import { Formula } from '../../../ui/Formula';
import { Panel } from '../../../ui/Panel';
import { sourceOf } from '../provenance';
import { anglesAt, anglesSentence, collapseSentence, meanAngle, positionsSentence } from '../sentences';
import { layerAxis } from '../statistics';

/** Smallest, mean and largest angle per layer, and the mean expected by chance. */
function angleLines({ rank, layers, angles, chance }: AngleReport): LineSeries[] {
  const x = [...layers];
  const keys = layers.map((layer) => `layer ${layer}`);
  const smallest = (of: Float32Array) => x.map((_, row) => anglesAt(of, row, rank)[0] ?? Number.NaN);
  const largest = (of: Float32Array) => x.map((_, row) => anglesAt(of, row, rank).at(-1) ?? Number.NaN);
  const mean = (of: Float32Array) => x.map((_, row) => meanAngle(of, row, rank));
  return [
    {
      name: 'mean angle',
      x,
      keys,
      y: mean(angles),
      low: smallest(angles),
      high: largest(angles),
      interval: 'area',
      weight: 'strong',
      look: { colour: 0, dash: 0 },
      legend: true,
    },
    {
      name: 'chance',
      x,
      keys,
      y: mean(chance),
      low: smallest(chance),
      high: largest(chance),
      look: { colour: 6, dash: 1, marker: 1 },
      legend: true,
    },
  ];
}

export function AnglesChart({
  report,
  angles,
  link,
}: {
  readonly report: LensReport;
  readonly angles: AngleReport;
  readonly link: HoverLink;
}) {
  const theme = useTheme();
  const source = useMemo(() => sourceOf(report), [report]);
  const series = useMemo(() => angleLines(angles), [angles]);
  const [a, b] = report.selections;
  return (
    <Panel
      title="Principal angles"
      about={`Between the leading ${angles.rank} directions of ${a?.label} and of ${b?.label}, layer by layer: 0° is the same direction, 90° nothing in common.`}
    >
      <Formula display tex="\theta_i = \arccos \sigma_i\big(V_a^\top V_b\big),\quad i = 1 \dots r" />
      <LineChart
        title="Principal angles against layer"
        summary={`The band goes from the smallest to the largest angle. ${anglesSentence(angles)}`}
        source={source}
        series={series}
        x={layerAxis(angles.layers.length)}
        y={{ label: 'angle, degrees', range: [0, 92] }}
        scale="linear"
        theme={theme}
        height={300}
        fileName="principal-angles"
        link={link}
      />
    </Panel>
  );
}

/** How similar the positions of a sample are. */
export function CollapseCharts({ report, link }: { readonly report: LensReport; readonly link: HoverLink }) {
  const theme = useTheme();
  const source = useMemo(() => sourceOf(report), [report]);
  const { selections } = report;
  const layers = layerAxis(Math.max(...selections.map((one) => one.layers)));
  const [cosine, rank] = useMemo(() => {
    const lines = (value: 'cosine' | 'effectiveRank') =>
      selections.map(
        ({ label, collapse }, index): LineSeries => ({
          name: label,
          x: [...collapse.layers],
          keys: collapse.layers.map((layer) => `layer ${layer}`),
          y: collapse[value],
          look: { colour: index, dash: index, marker: index },
          legend: selections.length > 1,
        }),
      );
    return [lines('cosine'), lines('effectiveRank')];
  }, [selections]);
  return (
    <Panel
      title="Collapse"
      about="Thoughts that are all the same carry one thought’s worth: cosine 1 and effective rank 1 are collapse."
    >
      <div className="columns-2">
        <LineChart
          title="Mean cosine between positions"
          summary={selections.map(({ label, collapse }) => collapseSentence(label, collapse)).join(' ')}
          source={source}
          series={cosine}
          x={layers}
          y={{ label: 'mean cosine', range: [-0.1, 1.02] }}
          scale="linear"
          theme={theme}
          fileName="collapse-cosine"
          link={link}
        />
        <LineChart
          title="Effective rank of a sample’s positions"
          summary={selections.map(({ label, collapse }) => positionsSentence(label, collapse)).join(' ')}
          source={source}
          series={rank}
          x={layers}
          y={{ label: 'effective rank' }}
          scale="linear"
          theme={theme}
          fileName="collapse-effective-rank"
          link={link}
        />
      </div>
    </Panel>
  );
}
