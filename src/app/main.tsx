import './policy';
import './ui/base.css';
import './ui/kit.css';
import { createRoot } from 'react-dom/client';
import { Page } from './Page';
import { createApp } from './store/app-store';
import { browserEnvironment } from './store/environment';
import { AppProvider } from './store/use-app';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element "root"');

const app = createApp(browserEnvironment());
createRoot(root).render(
  <AppProvider value={app}>
    <Page />
  </AppProvider>,
);
void app.actions.start(true);
