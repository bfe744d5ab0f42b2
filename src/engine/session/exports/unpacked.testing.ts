import type { NamedFile } from '../../../contract/lens';
import type { ModelFile } from '../../../contract/model-files';
import { blobSource } from '../../checkpoint/source';
import { readEntry, readZip } from '../../checkpoint/zip';

/** The files in an exported archive. */
export async function unpacked({ blob }: Pick<ModelFile, 'blob'>): Promise<NamedFile[]> {
  const source = blobSource(blob);
  const entries = [...(await readZip(source)).values()];
  return Promise.all(
    entries.map(async (entry) => ({
      name: entry.name,
      data: new Blob([await readEntry(source, entry, 1e9)]),
    })),
  );
}

/** A JSON file among them, parsed. */
export const jsonOf = async (files: readonly NamedFile[], name: string): Promise<Record<string, unknown>> =>
  JSON.parse((await files.find((file) => file.name === name)?.data.text()) ?? '') as Record<string, unknown>;
