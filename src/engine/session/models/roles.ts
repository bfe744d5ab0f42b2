import type { ProblemCodec } from '../../data/tokens';
import type { Reasoning } from '../../decode/reasoning';
import type { ParameterSpecs } from '../../nn/parameters';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import type { LoadedModel } from './pair';

/** The trained values of a student. */
export interface TeacherAdapter {
  readonly parameters: ParameterSpecs;
  /** As a student; as a teacher it writes its rationale, with the adapters that it does so with. */
  readonly reasoning?: Reasoning | undefined;
  readonly packs: readonly Float32Array<ArrayBuffer>[];
  /** Of all that. */
  readonly sha256: string;
}

/** What a configuration calls the kept teacher: a student on its model, or another model, whatever is opened afterwards. */
export interface KeptModel {
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  readonly adapter?: TeacherAdapter | undefined;
  /** How it was trained, or the model's name. */
  readonly label: string;
  /** Of the adapter's values, or of the model's weights. */
  readonly sha256: string;
}

/** The model whose hidden states are distilled. */
export interface TeacherRole {
  readonly model: LoadedModel;
  /** What it runs with: that of a student, or of a model that reasons in thoughts, which was kept as teacher. */
  readonly adapter?: TeacherAdapter | undefined;
  readonly label: string;
  /** SHA-256 of what was kept as teacher, where it was. */
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
