/** ONNX Runtime's memory, once it has been made. */
const made: WebAssembly.Memory[] = [];

/** Bytes that ONNX Runtime's WebAssembly has taken in this realm; it keeps them until the realm ends. 0 before it starts. */
export const heapBytes = (): number => made.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

/** Notes the memory that `start` makes: ONNX Runtime does not hand it out. */
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
