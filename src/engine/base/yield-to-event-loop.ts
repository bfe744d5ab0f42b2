/**
 * Lets pending messages be handled, so that a cancel gets through: when everything runs in WASM, awaiting it alone never
 * does that. Uses a message channel, because timers are clamped to 4 ms.
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
