import { useEffect, useRef, useState } from 'react';
import { bytes as size } from '../ui/format';

/** The browser's memory interfaces; neither exists in every browser. */
interface MemoryApi {
  measureUserAgentSpecificMemory?(): Promise<{ readonly bytes: number }>;
  readonly memory?: { readonly usedJSHeapSize: number };
}

export interface Memory {
  readonly bytes: number;
  readonly of: string;
  /** Whether the engine's memory, most of the total, is missing. */
  readonly isPart: boolean;
}

/**
 * Memory of page and engine together if the browser reports it, else of the page alone; and the heap of WebAssembly, which
 * browsers leave out because its threads share it. `null` if nothing is known.
 */
export async function memoryNow(api: MemoryApi, heap = 0): Promise<Memory | null> {
  const wasm = `${size(heap)} of WASM heap, which is kept until the engine restarts`;
  try {
    const all = await api.measureUserAgentSpecificMemory?.();
    if (all)
      return {
        bytes: all.bytes + heap,
        of: `Page and engine, as the browser counts${heap > 0 ? `, and ${wasm}` : ''}; without GPU memory`,
        isPart: false,
      };
  } catch {
    // Refused unless the page is cross-origin isolated.
  }
  const page = api.memory?.usedJSHeapSize ?? 0;
  if (page === 0 && heap === 0) return null;
  return {
    bytes: page + heap,
    of:
      heap === 0
        ? 'The page alone, without the engine'
        : `${page === 0 ? 'The engine’s' : 'The page, and the engine’s'} ${wasm}; without its other memory and that of the GPU`,
    isPart: heap === 0,
  };
}

/** Milliseconds between two measurements. */
const LOOK = 10_000;

/** `undefined` until the first measurement has come, which takes Chromium up to half a minute. */
export function useMemory(heapBytes: () => number): Memory | null | undefined {
  const heap = useRef(heapBytes);
  heap.current = heapBytes;
  const [memory, setMemory] = useState<Memory | null>();
  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      if (document.visibilityState === 'visible') {
        const found = await memoryNow(performance as unknown as MemoryApi, heap.current());
        if (!isGone) setMemory(found);
      }
      if (!isGone) timer = setTimeout(() => void look(), LOOK);
    };
    void look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, []);
  return memory;
}
