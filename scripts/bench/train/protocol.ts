/** Messages between the page and the worker of one contender. */
import type { FineTuning } from '../finetune/problem';

/** What is trained: a case of `cases.ts` by its name, or a checkpoint. */
export type Task = { readonly caseName: string } | { readonly fineTuning: FineTuning };

export type ContenderKind =
  | { readonly runs: 'ours'; readonly provider: 'wasm'; readonly threads: number }
  | { readonly runs: 'ours'; readonly provider: 'webgpu' }
  | { readonly runs: 'jax-js'; readonly provider: 'wasm'; readonly mode: 'sync' | 'workers' }
  | { readonly runs: 'jax-js'; readonly provider: 'webgpu' };

export type Ask =
  | { readonly ask: 'open'; readonly contender: ContenderKind; readonly task: Task }
  | { readonly ask: 'outputs' }
  | { readonly ask: 'step' }
  | { readonly ask: 'heap' };

export interface Opened {
  /** Milliseconds until the first step's result, including session creation or kernel compilation. */
  readonly firstStep: number;
  /** The part of it spent creating sessions; ours only. */
  readonly sessions?: number;
  readonly nodes?: number;
}

export interface Outputs {
  readonly loss: number;
  /** Of each parameter: a layer's LoRA pack, or a weight. */
  readonly gradients: readonly Float32Array[];
}

export interface Reply {
  readonly opened?: Opened;
  readonly outputs?: Outputs;
  /** Of one step, ms. */
  readonly milliseconds?: number;
  /** Bytes of WebAssembly memory in the contender's realm. */
  readonly heap?: number;
  readonly error?: string;
}
