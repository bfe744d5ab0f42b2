import type { DropItem } from 'react-aria-components';
import type { NamedFile } from '../../../contract/lens';

/** A checkpoint's files among those chosen or dropped: of a folder only its top level. */

/** Of what a checkpoint needs, and of what people have instead, which the engine names. */
const WANTED =
  /\.(json|jinja|safetensors|txt|model|bin|pt|pth|ckpt|gguf|h5|msgpack|npz|onnx|onnx_data|zip)$/i;

/** Of a chosen folder (its files have a path) or of chosen files. */
export function filesOf(list: Iterable<File>): NamedFile[] {
  return [...list]
    .filter(({ name, webkitRelativePath: path }) => WANTED.test(name) && path.split('/').length <= 2)
    .map((file) => ({ name: file.name, data: file }));
}

/** Of dropped folders and files. */
export async function filesOfDrop(items: readonly DropItem[]): Promise<NamedFile[]> {
  const found: NamedFile[] = [];
  const take = async (item: DropItem) => {
    if (item.kind === 'file' && WANTED.test(item.name))
      found.push({ name: item.name, data: await item.getFile() });
  };
  for (const item of items) {
    if (item.kind === 'directory') for await (const entry of item.getEntries()) await take(entry);
    else await take(item);
  }
  return found;
}
