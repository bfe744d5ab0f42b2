import type { WeightStorage } from '../../../contract/weight-storage';
import type { ProblemCodec } from '../../data/tokens';
import type { Reasoning } from '../../decode/reasoning';
import type { ParameterSpecs } from '../../nn/parameters';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import type { LoadedModel } from './pair';

/** The trained values of a student. */
export interface TeacherAdapter {
  readonly parameters: ParameterSpecs;
  /** How it reasons as a student; as a teacher it writes a rationale, with its adapters for that. */
  readonly reasoning?: Reasoning | undefined;
  readonly packs: readonly Float32Array<ArrayBuffer>[];
  /** Of all of this. */
  readonly sha256: string;
}

/**
 * What a configuration calls the kept teacher: a student on its model, or another model; it stays whatever is
 * opened later.
 */
export interface KeptModel {
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  readonly adapter?: TeacherAdapter | undefined;
  /** How it was trained, or the model's name. */
  readonly label: string;
  /** SHA-256 of the adapter's values, or of the model's weights. */
  readonly sha256: string;
}

/** The model whose hidden states are distilled. */
export interface TeacherRole {
  readonly model: LoadedModel;
  /** What it runs with if a student, or a model that reasons in thoughts, was kept as teacher. */
  readonly adapter?: TeacherAdapter | undefined;
  readonly label: string;
  /** SHA-256 of what was kept as teacher, if it was. */
  readonly kept?: string;
}

/** Who learns from whom, and how texts become their tokens. */
export interface Roles {
  readonly student: LoadedModel;
  readonly teacher: TeacherRole;
  readonly tokenizer: Tokenizer;
  readonly codec: ProblemCodec;
  /** SHA-256 of the weights of each, by name. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** How the matrices of the layers of each are kept, by name. */
export const storagesOf = ({ student, teacher }: Roles): Readonly<Record<string, WeightStorage>> =>
  Object.fromEntries(
    [teacher.model, student].map(({ report, config }) => [report.name, config.storage ?? 'f32'] as const),
  );
