/** What the page asks of the worker of one contender, and what it answers. */
export type ContenderKind =
  | { readonly runs: 'ours'; readonly provider: 'wasm'; readonly threads: number }
  | { readonly runs: 'ours'; readonly provider: 'webgpu' }
  | { readonly runs: 'jax-js'; readonly provider: 'wasm'; readonly mode: 'sync' | 'workers' }
  | { readonly runs: 'jax-js'; readonly provider: 'webgpu' };

export type Ask =
  | { readonly ask: 'open'; readonly contender: ContenderKind; readonly caseName: string }
  | { readonly ask: 'outputs' }
  | { readonly ask: 'step' }
  | { readonly ask: 'heap' };

export interface Opened {
  /** Until the first step's result is there: sessions created or kernels compiled, ms. */
  readonly firstStep: number;
  /** Of that, creating sessions; ours only. */
  readonly sessions?: number;
  readonly nodes?: number;
}

export interface Outputs {
  readonly loss: number;
  /** Of each layer's LoRA pack. */
  readonly gradients: readonly Float32Array[];
}

export interface Reply {
  readonly opened?: Opened;
  readonly outputs?: Outputs;
  /** Of one step, ms. */
  readonly milliseconds?: number;
  /** Bytes of WebAssembly memory of the realm's contender. */
  readonly heap?: number;
  readonly error?: string;
}
