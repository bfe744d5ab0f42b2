/**
 * Lets waiting messages in, so that a cancel can be heard: where everything runs in WASM, awaiting it alone never
 * does. A message channel, because timers are clamped to 4 ms.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
