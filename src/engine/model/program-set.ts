import type { Program } from '../graph/graph';
import type { ModelOnDevice, ModelProgram } from './model-on-device';

/** The programs of one user of a model, compiled on first use, by the user's own names. */
export class ProgramSet {
  private readonly programs = new Map<string, Promise<ModelProgram>>();
  private compiledBytes = 0;

  constructor(private readonly model: ModelOnDevice) {}

  /** Bytes of the compiled ones. */
  get bytes(): number {
    return this.compiledBytes;
  }

  /** The program with that name; one that failed to compile is retried the next time. */
  get(name: string, program: () => Program): Promise<ModelProgram> {
    const known = this.programs.get(name);
    if (known) return known;
    const made = this.model.compile(program());
    this.programs.set(name, made);
    made.then(
      ({ bytes }) => {
        this.compiledBytes += bytes;
      },
      () => this.programs.delete(name),
    );
    return made;
  }

  async dispose(): Promise<void> {
    const programs = await Promise.allSettled(this.programs.values());
    this.programs.clear();
    this.compiledBytes = 0;
    for (const made of programs) if (made.status === 'fulfilled') await made.value.dispose();
  }
}
