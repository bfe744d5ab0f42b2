import type { DeviceReport } from '../../../contract/events';
import type { Methods } from '../../../contract/methods/method';
import type { ModelFile } from '../../../contract/model-files';
import { type BundleEnvironment, RUN_FORMATS, type RunExportRequest } from '../../../contract/run-bundle';
import { savedRunSchemaOf } from '../../../contract/saved-run';
import { listed, quote } from '../../../text/quote';
import { InputError, throwIfCancelled } from '../../base/errors';
import type { LoadedModels } from '../models/subjects';
import { readSnapshot } from '../runs/snapshot-file';
import { bundleFiles, checkStudent, zipOf } from './run-bundle';

export interface ExportRunOptions {
  readonly methods: Methods;
  /** The device that is open. */
  readonly device?: DeviceReport | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A kept run as a zip.
 * @throws InputError for an impossible request, FileError where run and student are not of each other, CancelledError
 */
export async function exportRun(
  _held: LoadedModels,
  { format, run, student }: RunExportRequest,
  { methods, device, signal }: ExportRunOptions,
): Promise<ModelFile> {
  const start = performance.now();
  if (!RUN_FORMATS.includes(format))
    throw new InputError(
      `there is no format ${quote(format)} of a run`,
      `Choose one of ${listed(RUN_FORMATS)}.`,
    );
  checkStudent(student, run);
  // In the order of the schema, so that the same run gives the same bytes wherever it has been.
  const row = savedRunSchemaOf(methods).parse(run);
  const snapshot = await readSnapshot(student, methods);
  throwIfCancelled(signal, 'writing the run');
  const files = await bundleFiles(row, snapshot, student, device ? packedOn(device) : null);
  const blob = await zipOf(files, signal);
  const { step, status } = snapshot.header;
  return {
    name: `lori-${run.config.method}-seed${run.config.seed}-step${step}-run.zip`,
    blob,
    files: files.map(({ name, bytes }) => ({ name, bytes: bytes.length })),
    notes: [
      status === 'done'
        ? 'It holds the student as it was trained.'
        : `It holds the student at step ${step} with its optimiser’s moments: training can go on from it.`,
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
