/**
 * A host that answers as the Hub does: the API's listing, files behind a redirect to a second origin as on the Hub's
 * content network, and every fault of a network on demand. It knows one model, the bundled base, and one data set,
 * whose rows its dataset viewer has too.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../models/base');
const NAMES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];

export const MODEL = 'test/base';
export const DATA_SET = 'test/own';
const COMMIT = 'c0ffee'.padEnd(40, '0');

/** The data set's files, each in the form that a published set has it. */
const DATA_FILES: readonly (readonly [path: string, content: string])[] = [
  [
    'data/train.txt',
    Array.from(
      { length: 40 },
      (_, i) => `Ann has ${i} and 2 more?||<<${i}+2=${i + 2}>> #### ${i + 2}\n`,
    ).join(''),
  ],
  [
    'data/prosqa_train.json',
    JSON.stringify([
      {
        question: 'Every terpus is a lempus. Tom is a terpus. Is Tom a lempus or a zumpus?',
        steps: ['Tom is a terpus.', 'Every terpus is a lempus.'],
        answer: 'Tom is a lempus.',
        idx_to_symbol: ['Tom', 'terpus', 'lempus', 'zumpus'],
      },
    ]),
  ],
];
/** Rows of its one split. */
export const SPLIT_ROWS = 1234;
/** As many as a dataset viewer gives at once. */
const AT_ONCE = 100;

/** What is done to the next answer with a file's content. */
export type Fault =
  /** Ends in the middle, after as many bytes. */
  | { readonly kind: 'cut'; readonly after: number }
  /** Sends nothing more after as many bytes. */
  | { readonly kind: 'stall'; readonly after: number }
  | { readonly kind: 'busy'; readonly status: 429 | 503; readonly seconds: number }
  /** Another ETag than before: the rest that is asked for is of a new file. */
  | { readonly kind: 'etag' };

export interface Hub {
  /** Address of the API. */
  readonly base: string;
  /** Requests so far: `GET /path 200 bytes=10-`, `cdn GET …`. */
  readonly seen: readonly string[];
  /** Authorization headers that arrived, by who got them. */
  readonly tokens: readonly string[];
  /** Faults of the next answers with the weights, one each. */
  readonly faults: Fault[];
  /** Bytes a second of the weights; 0: as fast as it goes. */
  speed: number;
  /** Whether it has a dataset viewer, at its own address. */
  hasViewer: boolean;
  readonly bytes: number;
  close(): Promise<void>;
}

const hash = (algorithm: string, ...parts: (string | Buffer)[]) => {
  const made = createHash(algorithm);
  for (const part of parts) made.update(part);
  return made.digest('hex');
};

const listen = async (
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> => {
  const server = createServer(answer);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
};
const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

export async function startHub(folder = FOLDER): Promise<Hub> {
  const files = new Map([
    ...NAMES.map((name) => [name, readFileSync(join(folder, name))] as const),
    ...DATA_FILES.map(([path, content]) => [path, Buffer.from(content)] as const),
  ]);
  const seen: string[] = [];
  const tokens: string[] = [];
  const faults: Fault[] = [];
  let etag = 1;
  const state = { speed: 0, hasViewer: true };
  const open = {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': 'ETag, Content-Range, Retry-After',
  };

  const listing = (id: string, names: readonly string[]) => ({
    id,
    sha: COMMIT,
    cardData: { license: 'mit' },
    siblings: [
      ...names.map((rfilename) => {
        const content = files.get(rfilename) as Buffer;
        return {
          rfilename,
          size: content.length,
          blobId: hash('sha1', `blob ${content.length}\0`, content),
          ...(rfilename.endsWith('.safetensors') && {
            lfs: { sha256: hash('sha256', content), size: content.length, pointerSize: 130 },
          }),
        };
      }),
      { rfilename: 'README.md', size: 1234, blobId: '1'.repeat(40) },
    ],
  });

  const rowsFrom = (query: URLSearchParams) => {
    const offset = Number(query.get('offset'));
    const count = Math.max(0, Math.min(AT_ONCE, Number(query.get('length')), SPLIT_ROWS - offset));
    const rows = Array.from({ length: count }, (_, i) => ({
      row_idx: offset + i,
      row: { question: `Ann has ${offset + i} and 2 more?`, answer: `So.\n#### ${offset + i + 2}` },
      truncated_cells: [],
    }));
    return { features: [], rows, num_rows_total: SPLIT_ROWS };
  };

  const note = (who: string, request: IncomingMessage, status: number) => {
    const { range, authorization } = request.headers;
    seen.push([who, request.method, request.url, status, range].filter(Boolean).join(' '));
    if (authorization) tokens.push(who);
  };

  const send = async (response: ServerResponse, content: Buffer, limit: number) => {
    const end = Math.min(content.length, limit);
    for (let at = 0; at < end; ) {
      if (response.destroyed) return;
      const step = state.speed > 0 ? Math.max(1, Math.round(state.speed / 20)) : 64 * 1024;
      response.write(content.subarray(at, Math.min(at + step, end)));
      at += step;
      await new Promise((next) => setTimeout(next, state.speed > 0 ? 50 : 0));
    }
  };

  /** The content network: it allows no header but those that need no permission, as the real one. */
  const cdn = await listen((request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1));
    const content = files.get(name);
    if (!content || request.method !== 'GET') {
      note('cdn', request, 403);
      response.writeHead(403).end();
      return;
    }
    const fault = name === 'model.safetensors' ? faults.shift() : undefined;
    if (fault?.kind === 'busy') {
      note('cdn', request, fault.status);
      response.writeHead(fault.status, { ...open, 'Retry-After': String(fault.seconds) }).end();
      return;
    }
    if (fault?.kind === 'etag') etag++;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const status = from > 0 ? 206 : 200;
    note('cdn', request, status);
    const rest = content.subarray(from);
    response.writeHead(status, {
      ...open,
      ETag: `"${etag}"`,
      'Content-Length': rest.length,
      'Content-Type': 'application/octet-stream',
      ...(from > 0 && { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    const limit = fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.after : rest.length;
    void send(response, rest, limit).then(() => {
      if (fault?.kind === 'stall') return;
      if (fault?.kind === 'cut') response.destroy();
      else response.end();
    });
  });

  const api = await listen((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://hub');
    const file = new RegExp(`^/(?:${MODEL}|datasets/${DATA_SET})/resolve/${COMMIT}/(.+)$`).exec(
      pathname,
    )?.[1];
    const json = (value: unknown) => {
      note('api', request, 200);
      response.writeHead(200, { ...open, 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    };
    if (request.method === 'OPTIONS') {
      note('api', request, 204);
      response.writeHead(204, { ...open, 'Access-Control-Allow-Headers': 'Authorization' }).end();
    } else if (pathname === `/api/models/${MODEL}/revision/main`) {
      json(listing(MODEL, NAMES));
    } else if (pathname === `/api/datasets/${DATA_SET}/revision/main`) {
      json(
        listing(
          DATA_SET,
          DATA_FILES.map(([path]) => path),
        ),
      );
    } else if (pathname === '/rows' && state.hasViewer && searchParams.get('dataset') === DATA_SET) {
      // Slow enough to be seen and cancelled.
      setTimeout(() => json(rowsFrom(searchParams)), 100);
    } else if (file !== undefined && files.has(file)) {
      note('api', request, 302);
      response.writeHead(302, { ...open, Location: `${addressOf(cdn)}/${file}` }).end();
    } else {
      note('api', request, 404);
      response.writeHead(404, open).end();
    }
  });

  const end = (server: Server) =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return {
    base: addressOf(api),
    seen,
    tokens,
    faults,
    get speed() {
      return state.speed;
    },
    set speed(next) {
      state.speed = next;
    },
    get hasViewer() {
      return state.hasViewer;
    },
    set hasViewer(next) {
      state.hasViewer = next;
    },
    bytes: NAMES.reduce((n, name) => n + (files.get(name) as Buffer).length, 0),
    async close() {
      await Promise.all([end(api), end(cdn)]);
    },
  };
}
