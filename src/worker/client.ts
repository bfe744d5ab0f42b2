import type { RunOptions, Workbench } from '../contract/calls';
import { reportOf } from '../contract/error-report';
import type { EngineErrorReport } from '../contract/events';
import { hexOf } from '../text/hex';
import { CALLS, type CallName, type Channel, type FromWorker, type ToWorker } from './rpc';

/** An engine error, as thrown on the other side. */
export class EngineError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(report: EngineErrorReport) {
    super(report.message);
    this.name = report.name;
    this.code = report.code;
    this.hint = report.hint;
    if (report.stack !== null) this.stack = report.stack;
  }
}

/** A Workbench behind a channel. */
export interface Connection extends Workbench {
  /** Ends the worker; pending calls reject. */
  dispose(): void;
  /** Calls back once when the worker is gone, immediately if it already is. */
  onDeath(listener: (error: EngineError) => void): void;
  /** Bytes of WebAssembly memory that the engine last reported; 0 before its first report. */
  heapBytes?(): number;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  report: ((event: unknown) => void) | undefined;
  keep: RunOptions['keep'];
  forget(): void;
}

export interface ConnectOptions {
  /** Milliseconds between two pings. */
  readonly heartbeat?: number;
  /** Milliseconds without any message after which a worker that holds no lock counts as dead. */
  readonly silence?: number;
}

/** Starts a worker that runs the engine. */
export function startWorker(): Worker {
  return new Worker(new URL('./host.ts', import.meta.url), { type: 'module', name: 'engine' });
}

/** 128 random bits in hex. Unlike `crypto.randomUUID` it is available over plain http too. */
const randomId = (): string => hexOf(crypto.getRandomValues(new Uint8Array(16)));

const gone = (message: string) =>
  new EngineError({
    name: 'WorkerError',
    code: 'worker',
    message,
    hint: 'Restart the engine. What was stored is still there; if this repeats, reload the page or choose fewer samples.',
    stack: null,
  });

/**
 * The engine in `worker` as a Workbench. A worker that closes itself sends nothing, and a computing one is
 * silent for a long time; so the worker holds a Web Lock, which the browser grants to us as soon as the
 * worker is dead. Without locks, the `silence` limit decides.
 */
export function connect(worker: Channel & { terminate?(): void }, options: ConnectOptions = {}): Connection {
  const { heartbeat = 2_000, silence = 60_000 } = options;
  const pending = new Map<number, Pending>();
  const listeners = new Set<(error: EngineError) => void>();
  const waiting = new AbortController();
  const lock = `lori-engine-${randomId()}`;
  let nextId = 1;
  let lastSign = Date.now();
  let death: EngineError | null = null;
  let guarded = false;
  let heap = 0;
  // Messages to a worker that is not listening yet would be lost: they wait for its first message.
  let waitingMessages: ToWorker[] | null = [];

  const send = (message: ToWorker) => {
    if (waitingMessages) waitingMessages.push(message);
    else worker.postMessage(message);
  };

  const end = (error: EngineError, tell: boolean) => {
    if (death) return;
    death = error;
    clearInterval(timer);
    waiting.abort();
    worker.removeEventListener('message', listen);
    worker.terminate?.();
    for (const call of pending.values()) {
      call.forget();
      call.reject(error);
    }
    pending.clear();
    if (tell) for (const listener of listeners) listener(error);
  };

  const guard = async () => {
    guarded = true;
    try {
      await navigator.locks.request(lock, { signal: waiting.signal }, () =>
        end(gone('the engine stopped without reporting an error'), true),
      );
    } catch {
      guarded = death !== null; // aborted because we ended it, or locks refused: the silence limit decides
    }
  };

  /** Has a snapshot written and reports the outcome to the worker. */
  const keep = async (
    { snapshot, value }: Extract<FromWorker, { kind: 'keep' }>,
    { keep: write }: Pending,
  ): Promise<void> => {
    try {
      await write?.(value);
      send({ kind: 'kept', snapshot, error: null });
    } catch (thrown) {
      send({ kind: 'kept', snapshot, error: reportOf(thrown) });
    }
  };

  const listen = ({ data }: MessageEvent) => {
    lastSign = Date.now();
    const message = data as FromWorker;
    if (waitingMessages) {
      for (const early of waitingMessages) worker.postMessage(early);
      waitingMessages = null;
    }
    if (message.kind === 'heartbeat') {
      heap = message.heap;
      if (message.locked && !guarded) void guard();
      return;
    }
    const call = pending.get(message.id);
    if (!call) return;
    if (message.kind === 'keep') {
      void keep(message, call);
      return;
    }
    if (message.kind === 'event') {
      call.report?.(message.event);
      return;
    }
    pending.delete(message.id);
    call.forget();
    if (message.kind === 'result') return call.resolve(message.value);
    const error = new EngineError(message.error);
    call.reject(error);
    // A module that could not be fetched stays unavailable in that worker: only a new worker can retry.
    if (error.code === 'load') end(error, true);
  };

  const timer = setInterval(() => {
    if (!guarded && Date.now() - lastSign > silence) {
      end(gone(`the engine has not responded for ${Math.round(silence / 1000)} s`), true);
    } else worker.postMessage({ kind: 'ping' } satisfies ToWorker);
  }, heartbeat);

  worker.addEventListener('message', listen);
  if (typeof Worker !== 'undefined' && worker instanceof Worker) {
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      end(gone(`the engine failed to start or crashed: ${event.message || 'its script did not load'}`), true);
    });
  }
  send({ kind: 'hello', lock });

  const invoke = (method: CallName, args: readonly unknown[]) => {
    if (death) return Promise.reject(death);
    const place = CALLS[method].options;
    const {
      signal,
      report,
      keep: write,
    } = ((place === undefined ? undefined : args[place]) ?? {}) as RunOptions;
    const id = nextId++;
    return new Promise<unknown>((resolve, reject) => {
      const cancel = () => send({ kind: 'cancel', id });
      pending.set(id, {
        resolve,
        reject,
        report: report as Pending['report'],
        keep: write,
        forget: () => signal?.removeEventListener('abort', cancel),
      });
      try {
        const sent = place === undefined ? args : args.slice(0, place);
        send({ kind: 'call', id, method, args: sent, keeps: write !== undefined });
        if (signal?.aborted) cancel();
        else signal?.addEventListener('abort', cancel, { once: true });
      } catch (error) {
        pending.delete(id);
        reject(error as Error);
      }
    });
  };

  const calls = Object.fromEntries(
    (Object.keys(CALLS) as CallName[]).map((method) => [
      method,
      (...args: unknown[]) => invoke(method, args),
    ]),
  ) as unknown as Workbench;

  return {
    ...calls,
    dispose: () => end(gone('the engine was shut down'), false),
    heapBytes: () => heap,
    onDeath(listener) {
      if (death) listener(death);
      else listeners.add(listener);
    },
  };
}
