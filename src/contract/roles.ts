import { z } from 'zod';
import { RULE_IDS } from './answer-rules';

/** Who learns from whom on what, as a configuration names them. */

/** The bundled base, or the model that was opened. */
export const STUDENTS = ['bundled', 'opened'] as const;
/** The bundled teacher, the student's own model without an adapter, or what was kept as teacher: a student, or another model. */
export const TEACHERS = ['bundled', 'self', 'kept'] as const;
/** The bundled word problems, or the data set that was opened. */
export const TRAINING_DATA = ['bundled', 'opened'] as const;

/** A row that a run leaves out. */
const leftOutSchema = z.object({ id: z.string(), reason: z.string() });
export type LeftOutRow = Readonly<z.infer<typeof leftOutSchema>>;

const ids = z.array(z.string()).readonly();
const whole = z.int().min(0);

/** The rows that a run uses. */
export const dataUsedSchema = z.object({
  /** File names, or what the bundled problems are. */
  name: z.string(),
  /** Of the files; null for the bundled problems, which their seed determines. */
  sha256: z.string().nullable(),
  /** By which answers are judged. */
  rule: z.enum(RULE_IDS),
  /** Ids, in the order of the draw. */
  training: ids,
  validation: ids,
  heldOut: ids,
  /** Identifies the held-out problems: the first digits of a SHA-256 of their texts. */
  problems: z.string().optional(),
  /** How many rows were passed over in drawing, and the first of them with the reason. */
  leftOut: whole,
  leftOutRows: z.array(leftOutSchema).readonly(),
  /** What else is unusual, one sentence each. */
  notes: z.array(z.string()).readonly(),
});
export type DataUsed = Readonly<z.infer<typeof dataUsedSchema>>;

/** What is to be kept as teacher: the student there is, that of a snapshot's file, or the opened model as it is. */
export type TeacherSource =
  | { readonly kind: 'student' }
  | { readonly kind: 'run'; readonly file: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'opened' };

/** What is kept as teacher. */
export interface KeptTeacher {
  /** How a student was trained; of another model its name. */
  readonly label: string;
  /** Name of the model, or of the one that it is an adapter of. */
  readonly model: string;
  /** Of its adapter's values, or of the model's weights. */
  readonly sha256: string;
  /** What is not as it was when its student was trained. */
  readonly note?: string;
}
