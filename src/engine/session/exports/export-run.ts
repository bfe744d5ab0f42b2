import type { CallOptions } from '../../../contract/calls';
import type { RunConfig } from '../../../contract/config';
import type { DeviceReport } from '../../../contract/events';
import type { Methods } from '../../../contract/methods/method';
import type { ModelFile } from '../../../contract/model-files';
import { type BundleEnvironment, RUN_FORMATS, type RunExportRequest } from '../../../contract/run-bundle';
import { savedRunSchemaOf } from '../../../contract/saved-run';
import { listed, quote } from '../../../text/quote';
import { InputError, throwIfCancelled } from '../../base/errors';
import { writeZip, type ZipInput } from '../../checkpoint/zip';
import type { Recipe } from '../../recipes/shared/recipe';
import type { Roles } from '../models/roles';
import type { LoadedModels } from '../models/subjects';
import { rationaleRead } from '../runs/plan';
import { checkSource } from '../runs/resume';
import { runData } from '../runs/run-data';
import { readSnapshot } from '../runs/snapshot-file';
import { bundleFiles, checkStudent, zipOf } from './run-bundle';
import { checkProgram, type ProgramParts, programFiles } from './torch/program';

export interface ExportRunOptions {
  readonly methods: Methods;
  /** A configuration's models and recipe. @throws InputError, ConfigError */
  rolesFor(config: RunConfig): { readonly roles: Roles; readonly recipe: Recipe };
  /** The open device. */
  readonly device?: DeviceReport | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly report?: CallOptions['report'];
}

/**
 * A stored run as a zip.
 * @throws InputError for an impossible request, FileError if run and student do not belong together,
 * CancelledError
 */
export async function exportRun(
  loaded: LoadedModels,
  { format, run, student }: RunExportRequest,
  options: ExportRunOptions,
): Promise<ModelFile> {
  const start = performance.now();
  const { methods, device, signal } = options;
  if (!RUN_FORMATS.includes(format))
    throw new InputError(
      `there is no format ${quote(format)} of a run`,
      `Choose one of ${listed(RUN_FORMATS)}.`,
    );
  checkStudent(student, run);
  // In the order of the schema, so that the same run gives the same bytes wherever it was stored.
  const row = savedRunSchemaOf(methods).parse(run);
  const snapshot = await readSnapshot(student, methods);
  throwIfCancelled(signal, 'writing the run');
  const { step, status } = snapshot.header;
  const stem = `lori-${run.config.method}-seed${run.config.seed}-step${step}`;
  if (format === 'torch') {
    const made = await torchProgram(loaded, { run: row, snapshot, student }, options);
    return { name: `${stem}-torch.zip`, ...made, milliseconds: performance.now() - start };
  }
  const files = await bundleFiles(row, snapshot, student, device ? packedOn(device) : null);
  const blob = await zipOf(files, signal);
  return {
    name: `${stem}-run.zip`,
    blob,
    files: files.map(({ name, bytes }) => ({ name, bytes: bytes.length })),
    notes: [
      status === 'done'
        ? 'It holds the student as it was trained.'
        : `It holds the student at step ${step} with its optimiser’s moments: training can continue from it.`,
    ],
    milliseconds: performance.now() - start,
  };
}

const packedOn = ({
  provider,
  threads,
  crossOriginIsolated,
  runtimeVersion: runtime,
  adapter,
}: DeviceReport): BundleEnvironment['packedOn'] => ({
  ...{ provider, threads, crossOriginIsolated, runtime },
  adapter: adapter ? [adapter.vendor, adapter.architecture, adapter.description].join(' ').trim() : null,
});

async function torchProgram(
  loaded: LoadedModels,
  { run, ...kept }: Pick<ProgramParts, 'run' | 'snapshot' | 'student'>,
  { methods, rolesFor, signal, report }: ExportRunOptions,
): Promise<Pick<ModelFile, 'blob' | 'files' | 'notes'>> {
  const start = performance.now();
  const { config } = run;
  // Checked before anything is read.
  checkProgram(config, methods);
  const { roles, recipe } = rolesFor(config);
  const data = await runData(config, roles, loaded, { rationale: rationaleRead(config, recipe), signal });
  await checkSource(kept.snapshot.header, roles, data);
  const { files, notes } = await programFiles({ run, ...kept, roles, recipe, data, methods });
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const blob = await writeZip(
    files.map(({ name, pieces }) => ({
      name,
      pieces: counted(pieces, (bytes) => {
        done += bytes;
        report?.({ phase: 'write', done, total, unit: 'bytes', elapsed: performance.now() - start });
      }),
    })),
    signal,
  );
  return { blob, files: files.map(({ name, bytes }) => ({ name, bytes })), notes };
}

async function* counted(
  pieces: ZipInput['pieces'],
  tell: (bytes: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const piece of pieces) {
    yield piece;
    tell(piece.length);
  }
}
