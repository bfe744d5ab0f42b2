import { FileError } from '../base/errors';
import type { ByteSource } from './source';

/**
 * Files that people have under the name of weights by mistake, recognised by their first bytes: [text, what it is, what to
 * do].
 */
const OTHER_FORMATS = [
  [
    'version ',
    'a Git LFS pointer, not the weights themselves',
    'Run "git lfs pull" in the repository, or download the file from its page.',
  ],
  ['<!doctyp', 'a web page (HTML)', 'Download the file itself, not the page that shows it.'],
  ['<html', 'a web page (HTML)', 'Download the file itself, not the page that shows it.'],
  [
    'PK\x03\x04',
    'a ZIP archive, as PyTorch writes .bin and .pt files',
    'Convert the checkpoint to safetensors.',
  ],
  ['GGUF', 'a GGUF file', 'Use the safetensors checkpoint it was made from.'],
] as const;

const FORMAT_BYTES = 8;

/** As many of a file's first bytes as `refuseOtherFormats` needs. */
export const startOf = (source: ByteSource): ReturnType<ByteSource['read']> =>
  source.read(0, Math.min(FORMAT_BYTES, source.size));

/** @param bytes of a file, from its start  @throws FileError if it is one of another kind, naming what to do */
export function refuseOtherFormats(bytes: Uint8Array, label: string): void {
  const start = String.fromCharCode(...bytes.subarray(0, FORMAT_BYTES)).toLowerCase();
  for (const [text, what, hint] of OTHER_FORMATS)
    if (start.startsWith(text.toLowerCase())) throw new FileError(`${label}: this is ${what}`, hint);
}
