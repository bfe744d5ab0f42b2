import { useMemo, useRef } from 'react';
import { type LensReport, SECTIONS, type Trajectory } from '../../../../contract/lens';
import type { HoverLink } from '../../../charts/link';
import type { PointGroup } from '../../../charts/points';
import { ScatterChart } from '../../../charts/ScatterChart';
import { ALL, LAST, type PointColouring, shownPoints } from '../../../store/trajectories-draft';
import { useActions, useApp, useTheme } from '../../../store/use-app';
import { Choice } from '../../../ui/Choice';
import { Notice } from '../../../ui/ErrorNotice';
import { CheckField, FieldName } from '../../../ui/Field';
import { percent, visibleToken } from '../../../ui/format';
import { Panel } from '../../../ui/Panel';
import { FormUndo } from '../../shared/FormUndo';
import { sourceOf } from '../provenance';
import { axesSentence } from '../sentences';
import { commonTokens, pick, tokenAt } from '../trajectory-points';

const COLOURINGS: readonly { readonly id: PointColouring; readonly label: string }[] = [
  { id: 'step', label: 'step' },
  { id: 'layer', label: 'layer' },
  { id: 'token', label: 'token' },
  { id: 'section', label: 'part' },
];

/** Tokens and thoughts in the directions that they share. */
export function TrajectoriesView({
  report,
  axes,
  link,
}: {
  readonly report: LensReport;
  readonly axes: NonNullable<LensReport['axes']>;
  readonly link: HoverLink;
}) {
  const theme = useTheme();
  const layers = useMemo(() => layersOf(report), [report]);
  const draft = useApp((state) => state.forms.trajectories.draft);
  const { changeForm } = useActions();
  const form = useRef<HTMLDivElement>(null);
  const source = useMemo(() => sourceOf(report), [report]);
  const { colouring } = draft;
  const shown = shownPoints(draft, layers, report.sampleIds);
  const { layer: wantedLayer, sample: wantedSample, paths } = shown;

  const [groups, colour] = useMemo(() => {
    const tokens = commonTokens(report.selections.flatMap(({ trajectory }) => trajectory ?? []));
    const made = report.selections.flatMap(({ label, trajectory }): PointGroup[] =>
      trajectory
        ? [
            groupOf(
              label,
              trajectory,
              report.sampleIds,
              { wantedLayer, wantedSample, colouring, tokens, first: report.request.span?.first ?? 1 },
              report.selections.length > 1,
            ),
          ]
        : [],
    );
    const categories =
      colouring === 'token'
        ? [...tokens.map(visibleToken), 'other']
        : colouring === 'section'
          ? [...SECTIONS]
          : null;
    const what = COLOURINGS.find(({ id }) => id === colouring)!;
    return [made, { label: what.label, ...(categories && { categories }) }] as const;
  }, [report, wantedLayer, wantedSample, colouring]);

  const axis = (i: 0 | 1 | 2) => ({
    label: `direction ${i + 1} (${percent(axes.shares[i] ?? 0)})`,
    column: `direction ${i + 1}`,
  });
  return (
    <Panel
      title="Trajectories"
      about={`Each point is the hidden state at one position${paths ? '; lines join a sample’s positions in order' : ''}. The directions are ${axes.basis === 'pca' ? 'the first three principal components' : 'the first three of the hidden mode of the Tucker decomposition'} of ${axes.of}.`}
    >
      <div className="lens-choices" ref={form}>
        <Choice
          label={<FieldName label="Layer" />}
          value={wantedLayer === null ? ALL : draft.layer}
          options={[
            { id: LAST, label: `last layer (${layers.at(-1)})` },
            { id: ALL, label: 'all layers' },
            ...layers.map((l) => ({ id: String(l), label: `layer ${l}` })),
          ]}
          onChange={(layer) => changeForm('trajectories', { layer })}
        />
        <Choice
          label={<FieldName label="Sample" />}
          value={wantedSample < 0 ? ALL : draft.sample}
          options={[{ id: ALL, label: 'all samples' }, ...report.sampleIds.map((id) => ({ id, label: id }))]}
          onChange={(sample) => changeForm('trajectories', { sample })}
        />
        <Choice
          label={<FieldName label="Colour by" />}
          value={colouring}
          options={COLOURINGS}
          onChange={(next) => changeForm('trajectories', { colouring: next })}
        />
        <CheckField
          label="Join positions"
          isSelected={paths}
          onChange={(on) => changeForm('trajectories', { paths: on ? 'on' : 'off' })}
        />
        <div className="actions">
          <FormUndo name="trajectories" form={form} />
        </div>
      </div>
      {shown.missing.map((sentence) => (
        <Notice key={sentence} kind="warning">
          {sentence}
        </Notice>
      ))}
      <ScatterChart
        title="Trajectories in the shared directions"
        summary={axesSentence(axes)}
        source={source}
        groups={groups}
        axes={[axis(0), axis(1), axis(2)]}
        colour={colour}
        paths={paths}
        plane={draft.plane}
        onPlane={(plane) => changeForm('trajectories', { plane })}
        theme={theme}
        height={460}
        fileName="trajectories"
        link={link}
      />
    </Panel>
  );
}

const layersOf = ({ selections }: LensReport): number[] =>
  [...new Set(selections.flatMap(({ trajectory }) => (trajectory ? [...trajectory.layer] : [])))].sort(
    (a, b) => a - b,
  );

interface Wanted {
  readonly wantedLayer: number | null;
  /** An index, or -1 for all. */
  readonly wantedSample: number;
  readonly colouring: PointColouring;
  readonly tokens: readonly string[];
  /** Number of a sample's first token: 1, or that of the span. */
  readonly first: number;
}

function groupOf(
  label: string,
  trajectory: Trajectory,
  ids: readonly string[],
  { wantedLayer, wantedSample, colouring, tokens, first }: Wanted,
  isOneOfTwo: boolean,
): PointGroup {
  const { points, xyz, colour } = pick(
    trajectory,
    { layer: wantedLayer, sample: wantedSample },
    colouring,
    tokens,
  );
  const idAt = (i: number) => ids[trajectory.sample[points[i]!]!] ?? '';
  const layerAt = (i: number) => trajectory.layer[points[i]!]!;
  const stepAt = (i: number) => trajectory.position[points[i]!]! + first;
  return {
    name: label,
    xyz,
    colour,
    // One line per sample and layer.
    path: points.map((point) => trajectory.sample[point]! * 1000 + trajectory.layer[point]!),
    text: (i) =>
      `${visibleToken(tokenAt(trajectory, points[i]!))} · ${isOneOfTwo ? `${label}, ` : ''}${idAt(i)}, step ${stepAt(i)}, layer ${layerAt(i)}`,
    key: idAt,
    columns: [
      { name: 'sample', values: points.map((_, i) => idAt(i)) },
      { name: 'position', values: points.map((_, i) => stepAt(i)) },
      { name: 'layer', values: points.map((_, i) => layerAt(i)) },
      { name: 'part', values: points.map((point) => SECTIONS[trajectory.section[point]!] ?? '') },
    ],
  };
}
