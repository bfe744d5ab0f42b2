import type { Workbench } from '../contract/calls';
import type { EngineErrorReport } from '../contract/events';
import type { RunSnapshot } from '../contract/snapshot';

/** The messages between page and worker: a small closed union, plain data only. */

export type CallName = keyof Workbench;

/**
 * The callable methods, and the position of `CallOptions` among the arguments of those that take them: signals and callbacks
 * cannot be transmitted, so both ends insert their own there.
 */
export const CALLS: Readonly<Record<CallName, { readonly options?: number }>> = {
  open: { options: 1 },
  closeDevice: {},
  loadPair: { options: 1 },
  problems: {},
  lens: { options: 1 },
  lensCost: {},
  exportStates: { options: 1 },
  exportModel: { options: 1 },
  exportRun: { options: 1 },
  openRun: {},
  causal: { options: 1 },
  evaluate: { options: 1 },
  stopping: { options: 1 },
  testThoughts: { options: 1 },
  checkpoints: {},
  openCheckpoint: { options: 1 },
  closeCheckpoint: {},
  storeWeights: {},
  storageErrors: { options: 0 },
  describeConfig: {},
  openData: { options: 2 },
  dataRows: {},
  countTokens: { options: 1 },
  rowsCost: { options: 2 },
  previewTokens: {},
  runInputs: { options: 1 },
  checkDevice: { options: 0 },
  distil: { options: 1 },
  resume: { options: 1 },
  openStudent: {},
  keepTeacher: {},
  runCost: { options: 1 },
  control: {},
  openQuestion: {},
  thought: { options: 1 },
  answer: { options: 1 },
  compareAnswers: { options: 1 },
  explicit: {},
  generate: { options: 1 },
};

export type ToWorker =
  /** The first message: tells the worker to hold the Web Lock `lock` for its lifetime. */
  | { readonly kind: 'hello'; readonly lock: string }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
      /** Whether to send snapshots (`RunOptions.keep`). */
      readonly keeps: boolean;
    }
  /** A snapshot was written, or could not be. */
  | { readonly kind: 'kept'; readonly snapshot: number; readonly error: EngineErrorReport | null }
  /** Aborts the signal of call `id`; its result or error still arrives. */
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'ping' };

export type FromWorker =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: EngineErrorReport }
  | { readonly kind: 'event'; readonly id: number; readonly event: unknown }
  /** A snapshot of the run that call `id` started, numbered: the run waits for the matching `kept`. */
  | { readonly kind: 'keep'; readonly id: number; readonly snapshot: number; readonly value: RunSnapshot }
  /**
   * Sign of life: the worker's first message, then its answer to `hello` and `ping`. `locked`: it holds the
   * lock of `hello`; `heap`: bytes of its WebAssembly memory.
   */
  | { readonly kind: 'heartbeat'; readonly locked: boolean; readonly heap: number };

/** What both ends use of a worker, a worker's global scope or a MessagePort. */
export interface Channel {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/**
 * The buffers of `value` that can be transferred instead of copied: those that one typed array covers
 * completely. Views of part of a buffer (of WASM memory, say) and shared memory are copied.
 */
export function transferablesOf(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (v: unknown): void => {
    if (ArrayBuffer.isView(v)) {
      if (v.buffer instanceof ArrayBuffer && v.byteLength > 0 && v.byteLength === v.buffer.byteLength)
        found.add(v.buffer);
    } else if (Array.isArray(v)) for (const item of v) visit(item);
    else if (v !== null && typeof v === 'object' && Object.getPrototypeOf(v) === Object.prototype) {
      for (const item of Object.values(v)) visit(item);
    }
  };
  visit(value);
  return [...found];
}
