import type { DropItem } from 'react-aria-components';

/** What a drop holds: a file, a folder with its entries. */

export const droppedFile = (name: string): DropItem => ({
  kind: 'file',
  type: '',
  name,
  getFile: () => Promise.resolve(new File(['x'], name)),
  getText: () => Promise.resolve('x'),
});

export const droppedFolder = (name: string, entries: readonly DropItem[]): DropItem =>
  ({
    kind: 'directory',
    name,
    async *getEntries() {
      yield* entries;
    },
  }) as unknown as DropItem;
