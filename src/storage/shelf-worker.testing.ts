import type { DownloadPlan, Proof } from './checkpoint-rows';
import { openShelf, type PartialFile, type Shelf } from './checkpoint-shelf';
import { checkpointsFolder } from './opfs';

/** A worker that works on a shelf as a test orders: only workers can write files in place. */

export type ShelfOrder =
  | { readonly kind: 'shelf'; readonly root: string; readonly plan: DownloadPlan }
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'append'; readonly bytes: Uint8Array }
  | { readonly kind: 'restart'; readonly etag: string | null }
  | { readonly kind: 'read'; readonly length: number }
  | { readonly kind: 'close' }
  | { readonly kind: 'keep'; readonly path: string }
  | { readonly kind: 'finish' };

let shelf: Shelf;
let plan: DownloadPlan;
let part: PartialFile | null = null;

const fileOf = (path: string) => plan.files.find((file) => file.path === path)!;
const standing = () => part && { size: part.size, etag: part.etag };

async function obey(order: ShelfOrder): Promise<unknown> {
  switch (order.kind) {
    case 'shelf':
      plan = order.plan;
      shelf = await openShelf(await checkpointsFolder(order.root), plan);
      return null;
    case 'open':
      part = await shelf.open(fileOf(order.path));
      return standing();
    case 'append':
      part!.append(order.bytes);
      return standing();
    case 'restart':
      await part!.restart(order.etag);
      return standing();
    case 'read': {
      const buffer = new Uint8Array(order.length);
      return buffer.subarray(0, part!.read(buffer, 0));
    }
    case 'close':
      part!.close();
      return null;
    case 'keep':
      return shelf.keep(fileOf(order.path));
    case 'finish':
      return shelf.finish(new Map<string, Proof>());
  }
}

const scope = globalThis as unknown as Worker;
scope.addEventListener('message', ({ data }: MessageEvent<ShelfOrder>) => {
  obey(data).then(
    (value) => scope.postMessage({ value }),
    (error: Error & { code?: string }) =>
      scope.postMessage({ error: { message: error.message, code: error.code } }),
  );
});
