/**
 * `npm start`: builds the page if the build is missing or older than its sources, serves it under the production
 * headers and prints the URL. `PORT` asks for a port; otherwise the first free one from 4173 on is taken.
 */
import { preview } from 'vite';
import { buildIfStale } from './build-if-stale.mjs';
import { root } from './folders.mjs';

buildIfStale();

const port = process.env.PORT ? Number(process.env.PORT) : undefined;
const server = await preview({ root, preview: { port: port ?? 4173, strictPort: port !== undefined } });
const url = server.resolvedUrls?.local[0];
console.log(`LoRi Playground: ${url}   (stop with Ctrl-C)`);
