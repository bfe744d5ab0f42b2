import './shell.css';
import { Tab, TabList } from 'react-aria-components';
import { PANELS, type PanelName } from '../store/link';
import { useActions, useApp } from '../store/use-app';
import { Segments } from '../ui/Choice';
import { HandStrip } from './HandStrip';
import { StateFacts } from './StateFacts';

export const TITLES: Readonly<Record<PanelName, string>> = {
  tour: 'Tour',
  model: 'Model',
  data: 'Data',
  lowrank: 'Low-rank',
  generate: 'Generate',
  distil: 'Distil',
  latents: 'Latents',
  arena: 'Arena',
};

/** Always visible: the places, the loaded model, the device, and the task in progress. */
export function Bar() {
  const theme = useApp(({ link, settings }) => link.theme ?? settings.theme);
  const { changeSettings } = useActions();
  return (
    <header className="bar">
      <h1 className="bar-name">LoRi Playground</h1>
      <TabList className="tabs" aria-label="Places">
        {PANELS.map((name) => (
          <Tab key={name} id={name} className="tab">
            {TITLES[name]}
          </Tab>
        ))}
      </TabList>
      <div className="bar-theme">
        <Segments
          label="Theme"
          hideLabel
          value={theme}
          options={[
            { id: 'system', label: 'System' },
            { id: 'light', label: 'Light' },
            { id: 'dark', label: 'Dark' },
          ]}
          onChange={(next) => changeSettings({ theme: next })}
        />
      </div>
      <div className="bar-state">
        <HandStrip />
        <StateFacts />
      </div>
    </header>
  );
}
