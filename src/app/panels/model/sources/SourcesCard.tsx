import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { SOURCE_TABS, type SourceTab } from '../../../store/sources';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { Panel } from '../../../ui/Panel';
import { Progress } from '../../../ui/Progress';
import { BundledSource } from './BundledSource';
import { DownloadStatus } from './DownloadStatus';
import { FilesSource } from './FilesSource';
import { HubSource } from './HubSource';
import { StoredSource } from './StoredSource';

const TITLES: Readonly<Record<SourceTab, string>> = {
  hub: 'Hugging Face',
  mirror: 'Mirror',
  files: 'Your files',
  stored: 'Stored',
  bundled: 'Bundled pair',
};

const PLACES: Readonly<Record<SourceTab, () => React.ReactNode>> = {
  hub: () => <HubSource key="hub" isMirror={false} />,
  mirror: () => <HubSource key="mirror" isMirror />,
  files: FilesSource,
  stored: StoredSource,
  bundled: BundledSource,
};

/** Every way to another model, and how far the one in progress is. */
export function SourcesCard() {
  const tab = useApp((state) => state.sources.tab);
  const stored = useApp(({ sources }) => sources.library?.whole.length ?? 0);
  const { showSource } = useActions();
  return (
    <Panel
      title="Open a model"
      about="A checkpoint in Hugging Face format, run in this browser only. It replaces the previously opened one. Low-rank, Generate and Data can use it, Distil can train it, and Latents steps through it if its files say how it reasons."
    >
      <Tabs selectedKey={tab} onSelectionChange={(key) => showSource(key as SourceTab)}>
        <TabList className="source-tabs" aria-label="Sources">
          {SOURCE_TABS.map((name) => (
            <Tab key={name} id={name} className="source-tab">
              {TITLES[name]}
              {name === 'stored' && stored > 0 && <span className="badge">{stored}</span>}
            </Tab>
          ))}
        </TabList>
        {SOURCE_TABS.map((name) => {
          const Place = PLACES[name];
          return (
            <TabPanel key={name} id={name} className="source-place">
              <Place />
            </TabPanel>
          );
        })}
      </Tabs>
      <DownloadStatus />
      <OpeningStatus />
    </Panel>
  );
}

/** The opening in progress, and what went wrong with it or with what is stored. */
function OpeningStatus() {
  const opened = useApp((state) => state.lens.opened);
  const problem = useApp((state) => state.sources.problem);
  const { cancelOpening } = useActions();
  return (
    <>
      {isBusy(opened) && (
        <Progress
          label="Opening the model"
          {...opened.progress}
          onCancel={cancelOpening}
          cancelLabel="Cancel opening"
          isCancelling={opened.status === 'cancelling'}
        />
      )}
      {opened.status === 'failed' && <ErrorNotice title="The model was not opened" error={opened.error} />}
      {problem && <ErrorNotice title={problem.title} error={problem.error} />}
    </>
  );
}
