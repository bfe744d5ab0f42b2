import type { CheckpointReport } from '../../../contract/lens';
import type { Methods } from '../../../contract/methods/method';
import type { StudentCheckpoint } from '../models/subjects';
import { reportOf } from './student';

/** Host memory the checkpoints of one run may take. */
const MAX_CHECKPOINT_BYTES = 256 * 2 ** 20;

const bytesOf = ({ packs }: StudentCheckpoint): number => packs.reduce((n, pack) => n + pack.byteLength, 0);

/**
 * A run's student as it was, oldest first. Over the limit every second one is dropped, save the first (untrained) and
 * the last; the last is kept whatever its size.
 */
export class Checkpoints {
  readonly byId = new Map<number, StudentCheckpoint>();

  constructor(private readonly maxBytes = MAX_CHECKPOINT_BYTES) {}

  add(id: number, checkpoint: StudentCheckpoint): void {
    this.byId.set(id, checkpoint);
    while (this.byId.size > 1 && this.bytes > this.maxBytes) this.thin();
  }

  get bytes(): number {
    return [...this.byId.values()].reduce((n, checkpoint) => n + bytesOf(checkpoint), 0);
  }

  list(methods: Methods): CheckpointReport[] {
    return [...this.byId].map(([id, student]) => ({
      ...{ id, step: student.step, label: student.label },
      student: reportOf(student, methods),
    }));
  }

  private thin(): void {
    const ids = [...this.byId.keys()];
    const last = ids.length - 1;
    // Of two the first goes; otherwise there is one in between.
    if (last === 1) this.byId.delete(ids[0] as number);
    else for (let i = 1; i < last; i += 2) this.byId.delete(ids[i] as number);
  }
}
