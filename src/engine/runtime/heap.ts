/** ONNX Runtime's memory, once created. */
const made: WebAssembly.Memory[] = [];

/** Bytes of ONNX Runtime's WebAssembly memory in this realm, which never shrinks. 0 before it starts. */
export const heapBytes = (): number => made.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

/** Records the memory that `start` creates: ONNX Runtime does not expose it. */
export async function notingMemory(start: () => Promise<void>): Promise<void> {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args) {
      const memory = new target(...(args as [WebAssembly.MemoryDescriptor]));
      made.push(memory);
      return memory;
    },
  });
  try {
    await start();
  } finally {
    WebAssembly.Memory = Memory;
  }
}
