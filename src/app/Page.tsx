import './page.css';
import { useEffect } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { Header } from './Header';
import { DistilPanel } from './panels/distil/DistilPanel';
import { LatentsPanel } from './panels/latents/LatentsPanel';
import { LowRankPanel } from './panels/lowrank/LowRankPanel';
import { ModelPanel } from './panels/model/ModelPanel';
import { PANELS, type PanelName } from './store/link';
import { useActions, useAddress, useApp, useTheme } from './store/use-app';
import { Tour } from './Tour';
import { Boundary } from './ui/Boundary';
import { Button } from './ui/Button';
import { ErrorNotice, Notice } from './ui/ErrorNotice';

const PLACES: Readonly<Record<PanelName, { readonly title: string; readonly Place: () => React.ReactNode }>> =
  {
    tour: { title: 'Tour', Place: Tour },
    model: { title: 'Model', Place: ModelPanel },
    lowrank: { title: 'Low-rank', Place: LowRankPanel },
    distil: { title: 'Distil', Place: DistilPanel },
    latents: { title: 'Latents', Place: LatentsPanel },
  };

export function Page() {
  const panel = useApp((state) => state.link.panel);
  const theme = useTheme();
  const { goTo } = useActions();
  useAddress();
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    document.title = `${PLACES[panel].title} · LoRi Playground`;
  }, [panel]);
  return (
    <div className="page">
      <Header />
      <main>
        <Notices />
        <Tabs selectedKey={panel} onSelectionChange={(key) => goTo(key as PanelName)}>
          <TabList className="tabs" aria-label="Places">
            {PANELS.map((name) => (
              <Tab key={name} id={name} className="tab">
                {PLACES[name].title}
              </Tab>
            ))}
          </TabList>
          {PANELS.map((name) => {
            const { title, Place } = PLACES[name];
            return (
              <TabPanel key={name} id={name} className="tab-panel">
                <h2 className="visually-hidden">{title}</h2>
                <Boundary name={title}>
                  <Place />
                </Boundary>
              </TabPanel>
            );
          })}
        </Tabs>
      </main>
    </div>
  );
}

/** What concerns the whole page: a dead engine, a link that cannot be used, things to know. */
function Notices() {
  const dead = useApp((state) => state.dead);
  const problems = useApp((state) => state.linkProblems);
  const notices = useApp((state) => state.notices);
  const panel = useApp((state) => state.link.panel);
  const unloaded = useApp(({ device, pair }) =>
    device.status === 'failed' ? device.error : pair.status === 'failed' ? pair.error : null,
  );
  const { restart, dismiss, dismissLinkProblems, loadPair } = useActions();
  return (
    <>
      {dead && (
        <ErrorNotice title="The engine has ended" error={dead}>
          <Button look="primary" onPress={() => void restart()}>
            Restart the engine
          </Button>
        </ErrorNotice>
      )}
      {unloaded && !dead && panel !== 'model' && (
        <ErrorNotice title="No models are loaded" error={unloaded}>
          <Button onPress={() => void loadPair()}>Try again</Button>
        </ErrorNotice>
      )}
      {problems.length > 0 && (
        <ErrorNotice
          title="The link holds what this page does not know"
          error={{
            name: 'LinkError',
            code: 'link',
            message: problems.join('\n'),
            hint: 'The rest of the link was followed. Correct the address, or go on from here.',
            stack: null,
          }}
        >
          <Button onPress={dismissLinkProblems}>Dismiss</Button>
        </ErrorNotice>
      )}
      {notices.map(({ id, kind, text }) => (
        <Notice key={id} kind={kind} onDismiss={() => dismiss(id)}>
          {text}
        </Notice>
      ))}
    </>
  );
}
