import { serveEngine } from './hosted';

serveEngine();
