import type { CallOptions, RunOptions, Workbench } from '../contract/calls';
import { reportOf } from '../contract/error-report';
import type { EngineErrorReport } from '../contract/events';
import type { RunSnapshot } from '../contract/snapshot';
import { CALLS, type CallName, type Channel, type FromWorker, type ToWorker, transferablesOf } from './rpc';

/**
 * Answers the calls of `worker/client` on `scope` with `workbench`. Arrays in a result are transferred, not copied: the
 * workbench must not use them again. Returns a function that stops answering.
 * @param heapBytes bytes of WebAssembly memory, sent with every heartbeat
 */
export function serve(scope: Channel, workbench: Workbench, heapBytes: () => number = () => 0): () => void {
  const running = new Map<number, AbortController>();
  let locked = false;
  // Calls wait for the greeting, so that a worker that ends during its first call is noticed too.
  let greeted: Promise<void> = Promise.resolve();
  const send = (message: FromWorker, transfer: Transferable[] = []) => scope.postMessage(message, transfer);

  const beat = () => send({ kind: 'heartbeat', locked, heap: heapBytes() });
  const fail = (id: number, thrown: unknown) => send({ kind: 'error', id, error: reportOf(thrown) });

  /** Snapshots being written, by number. */
  const writing = new Map<number, (error: EngineErrorReport | null) => void>();
  let snapshots = 0;
  const keepFor =
    (id: number): RunOptions['keep'] =>
    (value: RunSnapshot) =>
      new Promise<void>((resolve, reject) => {
        const snapshot = ++snapshots;
        writing.set(snapshot, (error) =>
          error === null ? resolve() : reject(Object.assign(new Error(error.message), error)),
        );
        // The engine made the file only for this message, so its buffer can be transferred.
        send({ kind: 'keep', id, snapshot, value }, [value.file.buffer]);
      });

  const call = async (id: number, method: string, sent: readonly unknown[], keeps: boolean) => {
    const controller = new AbortController();
    running.set(id, controller);
    await greeted;
    try {
      if (!Object.hasOwn(CALLS, method)) throw new TypeError(`unknown call "${method}"`);
      const args = [...sent];
      const place = CALLS[method as CallName].options;
      if (place !== undefined) {
        const options: CallOptions<unknown> & Pick<RunOptions, 'keep'> = {
          signal: controller.signal,
          report: (event) => send({ kind: 'event', id, event }),
          ...(keeps && { keep: keepFor(id) }),
        };
        args[place] = options;
      }
      const run = workbench[method as CallName] as (...args: unknown[]) => Promise<unknown>;
      const value = await run.apply(workbench, args);
      send({ kind: 'result', id, value }, transferablesOf(value));
    } catch (thrown) {
      fail(id, thrown);
    } finally {
      running.delete(id);
    }
  };

  /** Resolves when the lock is held or cannot be obtained. */
  const hello = (name: string) =>
    new Promise<void>((resolve) => {
      const settled = () => {
        beat();
        resolve();
      };
      const locks = (globalThis.navigator as Navigator | undefined)?.locks;
      if (!locks) return settled();
      // Never released here: the browser releases it when the worker ends, however it ends.
      const hold = () => {
        locked = true;
        settled();
        return new Promise<never>(() => {});
      };
      locks.request(name, hold).catch(settled);
    });

  const listen = ({ data }: MessageEvent) => {
    const message = data as ToWorker;
    if (message.kind === 'hello') greeted = hello(message.lock);
    else if (message.kind === 'ping') beat();
    else if (message.kind === 'call') void call(message.id, message.method, message.args, message.keeps);
    else if (message.kind === 'kept') {
      writing.get(message.snapshot)?.(message.error);
      writing.delete(message.snapshot);
    } else if (message.kind === 'cancel') running.get(message.id)?.abort();
  };
  scope.addEventListener('message', listen);
  beat();
  return () => {
    scope.removeEventListener('message', listen);
    for (const controller of running.values()) controller.abort();
  };
}
