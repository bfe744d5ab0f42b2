import './policy';
import './ui/base.css';
import './ui/kit.css';
import { createRoot } from 'react-dom/client';
import { Page } from './Page';
import { createApp } from './store/app-store';
import { askBeforeLeaving, browserEnvironment } from './store/environment';
import { isActive } from './store/run';
import { AppProvider } from './store/use-app';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element "root"');

const opened = window.location.hash;
const app = createApp(browserEnvironment());
createRoot(root).render(
  <AppProvider value={app}>
    <Page opened={opened} />
  </AppProvider>,
);
// The student of a run in progress would be lost.
askBeforeLeaving(() => isActive(app.store.getState().run));
void app.actions.start(true);
