import type { Methods } from '../../../contract/methods/method';
import {
  BUNDLE_FILES,
  type BundleAbout,
  bundleAboutSchema,
  type OpenedRun,
} from '../../../contract/run-bundle';
import { type SavedRun, savedRunSchemaOf } from '../../../contract/saved-run';
import { readSeries } from '../../../contract/snapshot';
import { listed, quote } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { sha256Hex } from '../../base/sha256';
import { isJsonObject, parseJson } from '../../checkpoint/json';
import { blobSource } from '../../checkpoint/source';
import { readEntry, readZip, type ZipEntry } from '../../checkpoint/zip';
import { readSnapshot } from '../runs/snapshot-file';
import { checkBelongs, dataOf } from './run-bundle';

/** Largest JSON file of a bundle, and largest student, in bytes. */
const MAX_JSON = 64 * 2 ** 20;
const MAX_STUDENT = 2 ** 31;
const AGAIN = 'Get the run bundle again from where it was made, and compare its size.';
/** What macOS adds to archives. */
const JUNK = /(^|\/)(__MACOSX\/|\._|\.DS_Store$)/;

const known: ReadonlySet<string> = new Set(Object.values(BUNDLE_FILES));

/** Whether an archive with these file names is a run bundle. */
export const isBundle = (names: Iterable<string>): boolean =>
  [...names].some((name) => /^([^/]+\/)?bundle\.json$/.test(name));

/**
 * Reads a run bundle, completely or not at all: every file must be there with the size and SHA-256 in
 * bundle.json, and all must belong to one run.
 * @throws FileError naming what is damaged, missing, superfluous, or of a later version
 */
export async function readRunBundle(
  { name, data }: { readonly name: string; readonly data: Blob },
  methods: Methods,
): Promise<OpenedRun> {
  const source = blobSource(data);
  const entries = new Map([...(await readZip(source, name))].filter(([path]) => !JUNK.test(path)));
  const at = [...entries.keys()].find((path) => isBundle([path]));
  if (at === undefined)
    throw new FileError(
      `${quote(name)} is not a run bundle: it has no ${BUNDLE_FILES.about}`,
      'Choose a zip that was downloaded as a run bundle; models and adapters are opened in the Model place.',
    );
  const folder = at.slice(0, -BUNDLE_FILES.about.length);
  const read = async (file: string, max = MAX_JSON): Promise<Uint8Array<ArrayBuffer>> => {
    const entry = entries.get(folder + file);
    if (!entry) throw new FileError(`the run bundle has no ${file}`, AGAIN);
    return readEntry(source, entry as ZipEntry, max);
  };
  const about = aboutOf(parse(await read(BUNDLE_FILES.about), BUNDLE_FILES.about));
  refuseOthers(entries.keys(), folder, about);
  const proved = async (file: string, max?: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = await read(file, max);
    const said = about.files[file];
    if (!said || said.bytes !== bytes.length || said.sha256 !== (await sha256Hex(bytes)))
      throw new FileError(`${file} of the run bundle does not match ${BUNDLE_FILES.about}`, AGAIN);
    return bytes;
  };
  await proved(BUNDLE_FILES.readme);
  const series = seriesOf(await proved(BUNDLE_FILES.series));
  const run = runOf(parse(await proved(BUNDLE_FILES.run), BUNDLE_FILES.run), series, methods);
  const ids = parse(await proved(BUNDLE_FILES.data), BUNDLE_FILES.data);
  const student = await proved(BUNDLE_FILES.student, MAX_STUDENT);
  const snapshot = await readSnapshot(student, methods);
  checkBelongs(run, snapshot);
  const { step, status, models } = snapshot.header;
  const { steps } = run.config.optimiser;
  if (
    JSON.stringify(about.student) !== JSON.stringify({ step, steps, status }) ||
    JSON.stringify(ids) !== JSON.stringify(dataOf(run, snapshot)) ||
    JSON.stringify(about.models) !== JSON.stringify(models)
  )
    throw new FileError('the files of the run bundle belong to different students', AGAIN);
  return { run, student, step, steps, status, notes: run.notes ?? [] };
}

function parse(bytes: Uint8Array<ArrayBuffer>, file: string): unknown {
  return parseJson(bytes, `${file} of the run bundle`);
}

function aboutOf(value: unknown): BundleAbout {
  const isLater = isJsonObject(value) && typeof value.version === 'number' && value.version > 1;
  const result = bundleAboutSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new FileError(
    isLater
      ? `the run bundle has version ${quote(value.version)}; only version 1 can be read`
      : `${BUNDLE_FILES.about} is not understood: ${issue?.path.join('.').slice(0, 100) || 'the file'} (${issue?.message.slice(0, 200)})`,
    isLater ? 'Open it in a later version of the playground.' : AGAIN,
  );
}

function refuseOthers(paths: Iterable<string>, folder: string, about: BundleAbout): void {
  const others = [...paths].filter(
    (path) => !path.startsWith(folder) || !known.has(path.slice(folder.length)),
  );
  const named = Object.keys(about.files).filter((file) => !known.has(file));
  if (others.length + named.length > 0)
    throw new FileError(
      `the run bundle holds ${listed([...others, ...named].map(quote), 4)}, which no run bundle has`,
      'Open it as it was downloaded; a later playground may know more files.',
    );
}

function seriesOf(bytes: Uint8Array<ArrayBuffer>): SavedRun['series'] {
  try {
    return readSeries(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new FileError(
      `${BUNDLE_FILES.series} of the run bundle cannot be read: ${(cause as Error).message.slice(0, 300)}`,
      AGAIN,
      { cause },
    );
  }
}

const FIELDS = ['id', 'savedAt', 'config', 'result', 'name', 'tags', 'isSetAside', 'notes'];

function runOf(value: unknown, series: SavedRun['series'], methods: Methods): SavedRun {
  const unknown = isJsonObject(value) ? Object.keys(value).filter((key) => !FIELDS.includes(key)) : [];
  if (unknown.length > 0)
    throw new FileError(
      `${BUNDLE_FILES.run} of the run bundle holds ${listed(unknown.map(quote), 4)}, which no run has`,
      'Open it in a later version of the playground.',
    );
  const result = savedRunSchemaOf(methods).safeParse(isJsonObject(value) ? { ...value, series } : value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new FileError(
    `${BUNDLE_FILES.run} of the run bundle cannot be read: ${issue?.path.join('.').slice(0, 100) || 'the file'}: ${issue?.message.slice(0, 200)}`,
    AGAIN,
  );
}
