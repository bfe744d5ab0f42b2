import { BUNDLE_FILES, type BundleAbout, type BundleEnvironment } from '../../../contract/run-bundle';
import type { SavedRun } from '../../../contract/saved-run';
import { seriesText } from '../../../contract/snapshot';
import { quote } from '../../../text/quote';
import { FileError, InputError } from '../../base/errors';
import { sha256Hex } from '../../base/sha256';
import { writeZip, type ZipInput } from '../../checkpoint/zip';
import type { OpenedSnapshot } from '../runs/snapshot-file';

/** A file of a bundle, in memory. */
export interface BundledFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const ABOUT =
  'A run of LoRi Playground: README.md says what the files are. Opened there (Distil, Load a run file) it becomes a kept run again.';

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const json = (value: unknown): Uint8Array<ArrayBuffer> => encode(`${JSON.stringify(value, null, 2)}\n`);

/** @throws FileError, InputError if run and snapshot do not belong together */
export function checkBelongs(run: SavedRun, { header }: OpenedSnapshot): void {
  if (JSON.stringify(run.config) !== JSON.stringify(header.config))
    throw new FileError(
      'the run and its kept student have different configurations',
      'Get both again from where the run was trained.',
    );
  if (header.step > run.config.optimiser.steps)
    throw new FileError(
      `the student is at step ${header.step} of a run of ${run.config.optimiser.steps}`,
      'Get the run again from where it was trained.',
    );
}

/** Ids of the data that the run was made with. */
export const dataOf = (run: SavedRun, { header }: OpenedSnapshot) => ({
  ...header.data,
  used: run.result?.data ?? null,
});

/**
 * The files of a bundle, `bundle.json` first. The same run gives the same bytes on the same device.
 * @throws FileError, InputError if run and snapshot do not belong together
 */
export async function bundleFiles(
  run: SavedRun,
  snapshot: OpenedSnapshot,
  student: Uint8Array<ArrayBuffer>,
  packedOn: BundleEnvironment['packedOn'],
): Promise<readonly BundledFile[]> {
  checkBelongs(run, snapshot);
  const { header } = snapshot;
  const { series, ...row } = run;
  const files: BundledFile[] = [
    { name: BUNDLE_FILES.readme, bytes: encode(README) },
    { name: BUNDLE_FILES.run, bytes: json(row) },
    { name: BUNDLE_FILES.series, bytes: encode(`${seriesText(series)}\n`) },
    { name: BUNDLE_FILES.data, bytes: json(dataOf(run, snapshot)) },
    { name: BUNDLE_FILES.student, bytes: student },
  ];
  const named: [string, BundleAbout['files'][string]][] = [];
  for (const { name, bytes } of files)
    named.push([name, { bytes: bytes.length, sha256: await sha256Hex(bytes) }]);
  const about: BundleAbout = {
    kind: 'lori-run-bundle',
    version: 1,
    about: ABOUT,
    environment: { trainedOn: header.provider, packedOn },
    models: header.models,
    student: { step: header.step, steps: run.config.optimiser.steps, status: header.status },
    files: Object.fromEntries(named),
  };
  return [{ name: BUNDLE_FILES.about, bytes: json(about) }, ...files];
}

/** @throws FileError beyond 4 GiB, CancelledError */
export const zipOf = (files: readonly BundledFile[], signal?: AbortSignal): Promise<Blob> =>
  writeZip(
    files.map(({ name, bytes }): ZipInput => ({ name, pieces: [bytes] })),
    signal,
  );

/** @throws InputError if the run has no stored student */
export function checkStudent(student: Uint8Array<ArrayBuffer> | undefined, run: SavedRun): void {
  if (!(student instanceof Uint8Array) || student.length === 0)
    throw new InputError(
      `no student of the run ${quote(run?.id)} is kept`,
      'Choose a run whose student is kept.',
    );
}

const README = `# A run of LoRi Playground

| file | what it is |
|---|---|
| bundle.json | which files there are, with SHA-256; the machine; SHA-256 of the models' weights |
| run.json | configuration, result, name and tags |
| series.json | the curves: steps, losses by term, learning rate, gradient norm, accuracies, spectra; NaN and infinities as text |
| data.json | ids of the training rows in the order of the run, numbers of validation and held-out rows, SHA-256 of their texts |
| student.safetensors | everything that was trained, float32, by the parameters' names below \`parameters/\`; of a run that can go on \`first-moment/\` and \`second-moment/\` (AdamW); \`kept/\` is the copy of the best validation accuracy |

Open the zip in the playground (Distil, Load a run file): it becomes a kept run again, whose student can be used or trained further. On the command
line: \`npm run lab -- distil --resume bundle.zip\`, \`npm run lab -- export --kept bundle.zip --format peft --out student.zip\`.

In Python:

    from safetensors.torch import load_file
    tensors = load_file("student.safetensors")

Of a LoRA adapter \`parameters/student.{i}\` is layer i: of q, k, v, then of o, then of gate, up, then of down (those that are adapted), the
matrices A [r, in] one after another, and after them their B [out, r]. Export the student as a PEFT folder for matrices by name.
`;
