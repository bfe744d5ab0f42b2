/**
 * One queue for everything that enters ONNX Runtime in this realm: concurrent session creations or runs fail or hang,
 * whichever runtime, session or provider they belong to.
 */
let last: Promise<unknown> = Promise.resolve();

export function enqueue<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task);
  last = result.catch(() => undefined);
  return result;
}
