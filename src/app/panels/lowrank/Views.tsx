import { type ReactNode, useEffect, useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { CONTROLS, type LensReport, type SelectionReport } from '../../../contract/lens';
import { type HoverLink, useHoverLink } from '../../charts/link';
import { changeDraft, draftErrors, initialDraft, type LensDraft } from '../../store/lens-draft';
import { LENS_VIEWS, type LensView } from '../../store/lens-link';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Boundary } from '../../ui/Boundary';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Panel';
import { useDraftBounds } from './bounds';
import { AnglesChart, CollapseCharts } from './views/AnglesView';
import { CausalView } from './views/CausalView';
import { RanksView } from './views/RanksView';
import { SpectraView } from './views/SpectraView';
import { TrajectoriesView } from './views/TrajectoriesView';
import { TuckerView } from './views/TuckerView';
import { VIEW_TITLES } from './words';

/** The views of one report, and the causal test. */
export function Views() {
  const view = useApp((state) => state.lens.view);
  const { showView } = useActions();
  // One link for all views: a sample highlighted in one is highlighted in the next.
  const link = useHoverLink();
  const [highlighted, highlight] = useState<string | null>(null);
  useEffect(() => link.hold(highlighted), [link, highlighted]);
  return (
    <Tabs selectedKey={view} onSelectionChange={(key) => showView(key as LensView)}>
      <TabList className="lens-tabs" aria-label="Views">
        {LENS_VIEWS.map((name) => (
          <Tab key={name} id={name} className="lens-tab">
            {VIEW_TITLES[name]}
          </Tab>
        ))}
      </TabList>
      {LENS_VIEWS.map((name) => (
        <TabPanel key={name} id={name} className="main lens-view">
          <Boundary name={VIEW_TITLES[name]}>
            <View name={name} link={link} highlighted={highlighted} onHighlight={highlight} />
          </Boundary>
        </TabPanel>
      ))}
    </Tabs>
  );
}

interface Linked {
  readonly link: HoverLink;
  readonly highlighted: string | null;
  readonly onHighlight: (label: string | null) => void;
}

function View({ name, link, ...highlight }: Linked & { readonly name: LensView }) {
  const report = useApp((state) => state.lens.report.value);
  if (name === 'causal') return <CausalView />;
  if (!report) return <Nothing />;
  switch (name) {
    case 'spectra':
      return <SpectraView report={report} link={link} {...highlight} />;
    case 'ranks':
      return <RanksView report={report} link={link} />;
    case 'tucker':
      return report.selections.some(({ tucker }) => tucker !== null) ? (
        <TuckerView report={report} />
      ) : (
        <Missing change={{ tucker: true }} button="Decompose by Tucker">
          The last report has no Tucker decomposition. It shows how far layers and hidden features can be
          compressed together: the subspace that LoRi trains in.
        </Missing>
      );
    case 'trajectories':
      return report.axes ? (
        <TrajectoriesView report={report} axes={report.axes} link={link} />
      ) : (
        <Missing change={{ trajectories: 'tucker' }} button="Draw trajectories">
          The last report has no trajectories: the path of the hidden states from token to token, in the three
          directions of highest energy.
        </Missing>
      );
    case 'angles':
      return <Angles report={report} link={link} />;
  }
}

function Angles({ report, link }: { readonly report: LensReport; readonly link: HoverLink }) {
  const trained = useApp(({ studentConfig, lens }) => studentConfig !== null || lens.checkpoints.length > 0);
  const [a, b] = report.selections as readonly [SelectionReport, SelectionReport?];
  const apart = b !== undefined && a.hidden !== b.hidden;
  return (
    <>
      {report.angles ? (
        <AnglesChart report={report} angles={report.angles} link={link} />
      ) : apart ? (
        <Empty>
          There are no angles: the hidden states of {a.label} have {a.hidden} features and those of {b?.label}{' '}
          have {b?.hidden}. Principal angles compare subspaces of the same space.
        </Empty>
      ) : (
        <Missing
          change={{ overlay: trained ? 'student' : 'base' }}
          button={trained ? 'Compare with the student' : 'Compare with the base'}
        >
          Principal angles compare two models, and the last report has only one.{' '}
          {trained
            ? ''
            : 'Once a student has been trained in Distil, compare the teacher with it; until then, with the base.'}
        </Missing>
      )}
      <CollapseCharts report={report} link={link} />
    </>
  );
}

/** Two ways to start without any choices. */
function Nothing() {
  const busy = useApp((state) => isBusy(state.lens.report));
  const { runLens } = useActions();
  if (busy) return <p className="muted">The charts appear when the decomposition is done.</p>;
  return (
    <Empty
      action={
        <div className="actions">
          <Button onPress={() => void runLens(initialDraft())}>Figure 6</Button>
          <Button onPress={() => void runLens({ ...initialDraft(), controls: CONTROLS })}>
            Figure 6 beside its controls
          </Button>
        </div>
      }
    >
      Nothing has been decomposed yet. Press Decompose, or start with the paper’s figure 6: the teacher’s
      states over its chain of thought. The controls show what shuffled states, random tokens, another prompt
      and noise look like.
    </Empty>
  );
}

/** What the report lacks for this view, with a button that adds it, or the reason why it is not available. */
function Missing({
  change,
  button,
  children,
}: {
  readonly change: Partial<LensDraft>;
  readonly button: string;
  readonly children: ReactNode;
}) {
  const busy = useApp((state) => isBusy(state.lens.report));
  const now = useApp((state) => state.lens.draft);
  const { runLens } = useActions();
  const draft = changeDraft(now, change);
  const [error] = draftErrors(draft, useDraftBounds(draft)).values();
  return (
    <Empty
      action={
        <>
          <Button
            look="primary"
            isDisabled={busy || error !== undefined}
            onPress={() => void runLens(change)}
          >
            {button}
          </Button>
          {error !== undefined && <p>Not available yet: {error}</p>}
        </>
      }
    >
      {children}
    </Empty>
  );
}
