import type { RuleId } from './answer-rules';

/** Who learns from whom on what, as a configuration names them. */

/** The bundled base, or the model that was opened. */
export const STUDENTS = ['bundled', 'opened'] as const;
/** The bundled teacher, the student's own model without an adapter, or the student that was kept as teacher. */
export const TEACHERS = ['bundled', 'self', 'kept'] as const;
/** The bundled word problems, or the data set that was opened. */
export const TRAINING_DATA = ['bundled', 'opened'] as const;

/** A row that a run leaves out. */
export interface LeftOutRow {
  readonly id: string;
  readonly reason: string;
}

/** The rows that a run uses. */
export interface DataUsed {
  /** File names, or what the bundled problems are. */
  readonly name: string;
  /** Of the files; null for the bundled problems, which their seed determines. */
  readonly sha256: string | null;
  /** By which answers are judged. */
  readonly rule: RuleId;
  /** Ids, in the order of the draw. */
  readonly training: readonly string[];
  readonly validation: readonly string[];
  readonly heldOut: readonly string[];
  /** How many rows were passed over in drawing, and the first of them with the reason. */
  readonly leftOut: number;
  readonly leftOutRows: readonly LeftOutRow[];
  /** What else is unusual, one sentence each. */
  readonly notes: readonly string[];
}

/** The student that is kept as teacher. */
export interface KeptTeacher {
  /** Name of its model, and how it was trained. */
  readonly label: string;
  /** Name of the model that it is an adapter of. */
  readonly model: string;
  /** Of its adapter's values. */
  readonly sha256: string;
}
