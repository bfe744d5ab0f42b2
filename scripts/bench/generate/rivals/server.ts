/** A server of files on this machine for the measured pages: folders by the first part of a path, nothing else. */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { isolationHeaders } from '../../../tools/headers.mjs';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export interface Served {
  readonly address: string;
  close(): void;
}

/**
 * @param folders by the first part of the path
 * @param isolated with cross-origin isolation there is shared memory, and so there are threads; without, every engine has one
 */
export async function serveFolders(
  folders: Readonly<Record<string, string>>,
  isolated: boolean,
): Promise<Served> {
  const server = createServer((request, response) => {
    const [, first = '', ...rest] = decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname).split(
      '/',
    );
    const folder = folders[first];
    const path = folder && join(folder, normalize(`/${rest.join('/')}`));
    const stat = path ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (!path || !stat?.isFile()) return void response.writeHead(404).end();
    response.writeHead(200, {
      'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
      'Content-Length': stat.size,
      'Cache-Control': 'no-store',
      ...(isolated && isolationHeaders),
    });
    if (request.method === 'HEAD') response.end();
    else createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
