import type { LoadedModel } from '../models/pair';
import type { LoadedModels } from '../models/subjects';
import { Checkpoints } from './checkpoints';
import type { RunSink } from './context';
import type { Student } from './student';

/** The current students: that of the last run, with its run's checkpoints, and what was kept as teacher. */
export class Students {
  last: Student | undefined;
  teacher: LoadedModels['kept'];
  /** Of the run in progress, or of the one that made the student. */
  checkpoints = new Checkpoints();
  private checkpointIds = 0;
  private ids = 0;

  /** @param onReplaced called when the student changes */
  constructor(private readonly onReplaced: () => void) {}

  nextId(): string {
    return `student-${++this.ids}`;
  }

  /** Makes an opened student the current one, and lists it among the checkpoints. */
  open(student: Student): void {
    this.checkpoints.add(++this.checkpointIds, student);
    this.replace(student);
  }

  /**
   * Runs `run` with a sink for its student and checkpoints. Without a new student, as after a cancel, its
   * checkpoints are dropped, and those of the previous student stay. @param onNone called in that case
   */
  async during<T>(run: (sink: RunSink) => Promise<T>, onNone: () => void): Promise<T> {
    const before = this.checkpoints;
    let handedOver = false;
    // The previous list goes once there is something to replace it.
    const own = (): Checkpoints => {
      if (this.checkpoints === before) this.checkpoints = new Checkpoints();
      return this.checkpoints;
    };
    const sink: RunSink = {
      checkpoint: (checkpoint) => {
        own().add(++this.checkpointIds, checkpoint);
        return this.checkpointIds;
      },
      student: (student) => {
        own();
        this.replace(student);
        handedOver = true;
      },
    };
    try {
      return await run(sink);
    } finally {
      if (!handedOver) {
        this.checkpoints = before;
        onNone();
      }
    }
  }

  /** Drops what was made from a pair. @param of the pair's models: a teacher on another one stays */
  forget(of: readonly LoadedModel[]): void {
    this.last = undefined;
    if (this.teacher && of.includes(this.teacher.model)) this.teacher = undefined;
    this.checkpoints = new Checkpoints();
  }

  private replace(student: Student): void {
    this.last = student;
    this.onReplaced();
  }
}
