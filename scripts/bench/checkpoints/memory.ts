/** Memories that WebAssembly made, ONNX Runtime's among them. */
const memories: WebAssembly.Memory[] = [];
WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
  construct(target, args) {
    const memory = new target(...(args as [WebAssembly.MemoryDescriptor]));
    memories.push(memory);
    return memory;
  },
});

export const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

/**
 * In MB: the process's memory now and at its peak, JavaScript's buffers, and what WebAssembly has taken of its 4 GiB. Import this
 * before anything makes a memory.
 */
export const memoryTaken = () => ({
  buffers: megabytes(process.memoryUsage().arrayBuffers),
  rss: megabytes(process.memoryUsage.rss()),
  peakRss: megabytes(1024 * process.resourceUsage().maxRSS),
  heap: megabytes(memories.reduce((n, { buffer }) => n + buffer.byteLength, 0)),
});
