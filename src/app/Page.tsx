import './page.css';
import { useEffect } from 'react';
import { TabPanel, Tabs } from 'react-aria-components';
import { ArenaPanel } from './panels/arena/ArenaPanel';
import { DataPanel } from './panels/data/DataPanel';
import { DistilPanel } from './panels/distil/DistilPanel';
import { GeneratePanel } from './panels/generate/GeneratePanel';
import { LatentsPanel } from './panels/latents/LatentsPanel';
import { LowRankPanel } from './panels/lowrank/LowRankPanel';
import { ModelPanel } from './panels/model/ModelPanel';
import { Bar, TITLES } from './shell/Bar';
import { Notices } from './shell/Notices';
import { PANELS, type PanelName } from './store/link';
import { useActions, useAddress, useApp, useTheme } from './store/use-app';
import { TourPanel } from './tour/TourPanel';
import { Boundary } from './ui/Boundary';

const PLACES: Readonly<Record<PanelName, () => React.ReactNode>> = {
  tour: TourPanel,
  model: ModelPanel,
  data: DataPanel,
  lowrank: LowRankPanel,
  generate: GeneratePanel,
  distil: DistilPanel,
  latents: LatentsPanel,
  arena: ArenaPanel,
};

/** A workspace: a bar that says how things stand, and below it one place at a time. */
export function Page({ opened }: { readonly opened?: string }) {
  const panel = useApp((state) => state.link.panel);
  const isPlaceKnown = useApp((state) => state.isPlaceKnown);
  const theme = useTheme();
  const { goTo } = useActions();
  useAddress(opened);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    document.title = `${TITLES[panel]} · LoRi Playground`;
  }, [panel]);
  return (
    <Tabs className="page" selectedKey={panel} onSelectionChange={(key) => goTo(key as PanelName)}>
      <Bar />
      <main>
        <Notices />
        {isPlaceKnown &&
          PANELS.map((name) => {
            const Place = PLACES[name];
            return (
              <TabPanel key={name} id={name} className="tab-panel">
                <h2 className="visually-hidden">{TITLES[name]}</h2>
                <Boundary name={TITLES[name]}>
                  <Place />
                </Boundary>
              </TabPanel>
            );
          })}
      </main>
    </Tabs>
  );
}
