import type { CallOptions, Split } from '../../../contract/calls';
import type { DeviceReport, ModelReport, PairReport, Problem } from '../../../contract/events';
import type { NamedFile } from '../../../contract/lens';
import type { StorageErrors, WeightStorage } from '../../../contract/weight-storage';
import type { Desk } from '../desk';
import { closeProvider, openProvider } from './environment';
import { openModel } from './opened';
import { type LoadedModel, loadPair, modelsOf, type Pair } from './pair';
import { ProblemSet, problemOf } from './problems';
import { storageErrors } from './storage-errors';
import type { OpenedModel } from './subjects';
import { storedAs, usuallyStored } from './weight-storage';

/** The provider, the pair and the opened model: they are replaced here, together with what was made from them. */
export class ModelRoom {
  constructor(private readonly desk: Desk) {}

  open(provider: 'auto' | 'webgpu' | 'wasm', { signal }: CallOptions): Promise<DeviceReport> {
    const { desk } = this;
    return desk.alone('open a provider', async () => {
      // If the new one cannot be opened, the old one and everything made on it stay.
      const opened = await openProvider(provider, desk.environment, signal);
      await this.leave();
      desk.opened = opened;
      return opened.report;
    });
  }

  closeDevice(): Promise<void> {
    return this.desk.alone('close the provider', () => this.leave());
  }

  loadPair(url: string, options: CallOptions): Promise<PairReport> {
    const { desk } = this;
    return desk.alone('load models', async () => {
      const { pair, report } = await loadPair(url, { ...options, fetch: desk.environment.fetch });
      const problems = new ProblemSet(pair.manifest.data, pair.codec);
      await this.forget();
      desk.loaded = { pair, problems };
      return report;
    });
  }

  problems(split: Split, from: number, count: number): readonly Problem[] {
    const student = this.desk.student;
    if (student?.config.roles.data === 'opened' && student.examples && split !== 'validation') {
      const own = student.examples[split === 'train' ? 'training' : 'heldOut'];
      return own.slice(from, from + count).map(problemOf);
    }
    return this.desk.ready().problems.take(split, from, count).map(problemOf);
  }

  openCheckpoint(files: readonly NamedFile[], options: CallOptions): Promise<ModelReport> {
    const { desk } = this;
    return desk.files.alone(async () => {
      const { openedModel, loaded, environment, opened: on } = desk;
      const bases = { opened: openedModel, others: loaded ? modelsOf(loaded.pair) : [] };
      const opened = await openModel(files, { ...options, bases, readBlob: environment.readBlob });
      const report = await this.replaceOpened(usuallyStored(opened, on?.report.provider));
      desk.data.forgetTokens();
      return report;
    });
  }

  storeWeights(storage: WeightStorage): Promise<ModelReport> {
    return this.desk.files.alone(async () => this.replaceOpened(storedAs(this.desk.openedModel, storage)));
  }

  storageErrors(options: CallOptions): Promise<StorageErrors> {
    const { desk } = this;
    return desk.queue.between(
      async () => storageErrors(desk.provider(), desk.openedModel, options),
      options.signal,
    );
  }

  closeCheckpoint(): Promise<void> {
    const { desk } = this;
    return desk.alone('close the opened model', async () => {
      const before = this.putOpened(undefined);
      desk.data.forgetTokens();
      if (!before) return;
      await this.dropDecoders(before);
      await desk.opened?.models.close(before.model);
    });
  }

  /** Frees everything. */
  async close(): Promise<void> {
    await this.leave();
    await this.forget();
    this.desk.openedModel = undefined;
    this.desk.data.close();
  }

  /** Puts an opened model in place of the previous one, and frees that. */
  private async replaceOpened(next: OpenedModel): Promise<ModelReport> {
    const { desk } = this;
    const before = this.putOpened(next);
    if (before) {
      // Queued until nothing uses them: generation may be under way.
      void desk.queue.between(() => this.dropDecoders(before));
      await desk.opened?.models.close(before.model);
    }
    return next.model.report;
  }

  private putOpened(next: OpenedModel | undefined): OpenedModel | undefined {
    const before = this.desk.openedModel;
    this.desk.openedModel = next;
    this.desk.states.drop('opened');
    return before;
  }

  private async dropDecoders({ model }: OpenedModel): Promise<void> {
    await this.desk.generation.drop(model);
    await this.desk.questions.dropModel(model);
  }

  /**
   * Closes the provider. Models and students stay in host memory, so that losing the GPU does not lose them.
   */
  private async leave(): Promise<void> {
    const { desk } = this;
    await desk.questions.drop();
    await desk.generation.drop();
    desk.states.drop();
    desk.pace.forgetDevice();
    desk.runPace.forgetDevice();
    if (desk.opened) await closeProvider(desk.opened);
    desk.opened = undefined;
  }

  /** Drops everything made from the loaded pair. */
  private async forget(): Promise<void> {
    const { desk } = this;
    await desk.questions.forget();
    desk.states.drop();
    const of = desk.loaded ? modelsIn(desk.loaded.pair) : [];
    desk.students.forget(of);
    desk.loaded = undefined;
    for (const model of of) {
      await desk.generation.drop(model);
      await desk.opened?.models.close(model);
    }
  }
}

const modelsIn = ({ base, teacher }: Pair): readonly LoadedModel[] => [base, teacher];
