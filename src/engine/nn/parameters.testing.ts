import type { LoraSpec } from './lora';
import { NO_PARAMETERS, type ParameterSpecs } from './parameters';

/** One LoRA, `student`, as everything that was trained; nothing without a specification. */
export const adapted = (lora: LoraSpec | undefined): ParameterSpecs =>
  lora ? { adapters: { student: { kind: 'lora', ...lora } }, modules: [] } : NO_PARAMETERS;
