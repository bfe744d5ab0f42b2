/**
 * Vite plugins for the two folders outside public/: the bundled checkpoints (`models/`, part of the build)
 * and, in tests and development only, the reference checkpoints (`/shared/`, never part of the build).
 */
import { cpSync, createReadStream, existsSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Folder of the reference checkpoints: LORI_SHARED, else `../shared` beside the project. It may be absent. */
export const sharedFolder = resolve(root, process.env.LORI_SHARED || '../shared');

const types = {
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
};

/** Answers `<prefix>path` with that file under `folder`, or 404: never the page, never a file outside the folder. */
function fileServer(prefix, folder) {
  return (request, response, next) => {
    const path = decodeURIComponent((request.url ?? '').split(/[?#]/)[0] ?? '');
    // The bundler handles files that a module imports.
    if (!path.startsWith(prefix) || /[?&](raw|import)\b/.test(request.url)) return next();
    const file = resolve(folder, path.slice(prefix.length));
    const inside = file.startsWith(folder + sep);
    const stat = inside && existsSync(file) ? statSync(file) : undefined;
    if (!stat?.isFile()) {
      response.statusCode = 404;
      response.end(`no file ${path}\n`);
      return;
    }
    response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
    response.setHeader('Cache-Control', 'no-cache');
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Math.min(Number(range[2]), stat.size - 1) : stat.size - 1;
    if (range && start > end) {
      response.statusCode = 416;
      response.setHeader('Content-Range', `bytes */${stat.size}`);
      response.end();
      return;
    }
    if (range) {
      response.statusCode = 206;
      response.setHeader('Content-Range', `bytes ${start}-${end}/${stat.size}`);
    }
    response.setHeader('Accept-Ranges', 'bytes');
    response.setHeader('Content-Length', end - start + 1);
    if (request.method === 'HEAD' || stat.size === 0) response.end();
    else createReadStream(file, { start, end }).pipe(response);
  };
}

/** Serves models/ at `/models/` while developing and testing, and copies it into the build. */
export function modelsFolder() {
  let outDir = join(root, 'dist');
  return {
    name: 'models-folder',
    configResolved(config) {
      outDir = resolve(config.root, config.build.outDir);
    },
    configureServer(server) {
      server.middlewares.use(fileServer('/models/', join(root, 'models')));
    },
    writeBundle: {
      sequential: true,
      handler() {
        const from = join(root, 'models');
        if (existsSync(from)) cpSync(from, join(outDir, 'models'), { recursive: true });
      },
    },
  };
}

/** Serves the reference checkpoints at `/shared/` to tests. */
export function sharedFiles() {
  return {
    name: 'shared-files',
    configureServer(server) {
      server.middlewares.use(fileServer('/shared/', sharedFolder));
    },
  };
}
