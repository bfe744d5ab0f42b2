import type { DropItem } from 'react-aria-components';
import { isOnnxFile } from '../../../contract/checkpoint-files';
import type { NamedFile } from '../../../contract/lens';

/** A checkpoint's files among those chosen or dropped: of a folder only its top level, and the exports in its folder onnx. */

/** Of what a checkpoint needs, and of what people have instead, which the engine names. */
const WANTED =
  /\.(json|jinja|safetensors|txt|model|bin|pt|pth|ckpt|gguf|h5|msgpack|npz|onnx|onnx[._]data(_\d+)?|zip)$|^checkpoint[_-]\w+$/i;
const EXPORTS = 'onnx';

/** Of a chosen folder (its files have a path) or of chosen files. */
export function filesOf(list: Iterable<File>): NamedFile[] {
  return [...list]
    .filter(({ name, webkitRelativePath: path }) => WANTED.test(name) && isNear(name, path.split('/')))
    .map((file) => ({ name: file.name, data: file, ...inFolder(file.webkitRelativePath.split('/')[0]) }));
}

const inFolder = (folder: string | undefined) => (folder ? { folder } : {});

const isNear = (name: string, parts: readonly string[]): boolean =>
  parts.length <= 2 || (parts.length === 3 && parts[1] === EXPORTS && isOnnxFile(name));

/** Of dropped folders and files. */
export async function filesOfDrop(items: readonly DropItem[]): Promise<NamedFile[]> {
  const found: NamedFile[] = [];
  const take = async (item: DropItem, folder?: string) => {
    if (item.kind === 'file' && WANTED.test(item.name))
      found.push({ name: item.name, data: await item.getFile(), ...inFolder(folder) });
  };
  for (const item of items) {
    if (item.kind !== 'directory') {
      await take(item);
      continue;
    }
    for await (const entry of item.getEntries()) {
      await take(entry, item.name);
      if (entry.kind === 'directory' && entry.name === EXPORTS)
        for await (const inner of entry.getEntries())
          if (inner.kind === 'file' && isOnnxFile(inner.name)) await take(inner, item.name);
    }
  }
  return found;
}
