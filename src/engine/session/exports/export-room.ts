import type { CallOptions } from '../../../contract/calls';
import type { RunConfig } from '../../../contract/config';
import type { NamedFile } from '../../../contract/lens';
import type { ModelFile, ModelFileRequest } from '../../../contract/model-files';
import type { OpenedRun, RunExportRequest } from '../../../contract/run-bundle';
import type { Desk } from '../desk';
import type { RunRoom } from '../runs/run-room';
import { exportModel } from './export';
import { exportRun } from './export-run';
import { readRunBundle } from './read-bundle';

/** Exports models and runs as files, and reads runs back from them. */
export class ExportRoom {
  constructor(
    private readonly desk: Desk,
    private readonly runs: Pick<RunRoom, 'partsOf'>,
  ) {}

  model(request: ModelFileRequest, options: CallOptions): Promise<ModelFile> {
    const { desk } = this;
    return desk.queue.between(async () => exportModel(desk.loadedModels(), request, options), options.signal);
  }

  run(request: RunExportRequest, options: CallOptions): Promise<ModelFile> {
    const { desk } = this;
    const rolesFor = (config: RunConfig) => this.runs.partsOf(config);
    return desk.queue.between(async () => {
      const { methods, opened } = desk;
      return exportRun(desk.loadedModels(), request, {
        methods,
        rolesFor,
        device: opened?.report,
        ...options,
      });
    }, options.signal);
  }

  openRun(file: NamedFile): Promise<OpenedRun> {
    return this.desk.files.alone(() => readRunBundle(file, this.desk.methods));
  }
}
