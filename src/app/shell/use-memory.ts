import { useEffect, useState } from 'react';

/** The browser's memory interfaces; neither exists in every browser. */
interface MemoryApi {
  measureUserAgentSpecificMemory?(): Promise<{ readonly bytes: number }>;
  readonly memory?: { readonly usedJSHeapSize: number };
}

export interface Memory {
  readonly bytes: number;
  readonly of: string;
  /** Whether the engine's is missing, which is most of it. */
  readonly isPart: boolean;
}

/** Memory of page and engine together if the browser reports it, else of the page alone; `null` if it reports nothing. */
export async function memoryNow(api: MemoryApi): Promise<Memory | null> {
  try {
    const all = await api.measureUserAgentSpecificMemory?.();
    if (all)
      return {
        bytes: all.bytes,
        of: 'Page and engine, as the browser counts: without GPU memory and the heap that WASM threads share',
        isPart: false,
      };
  } catch {
    // Refused unless the page is cross-origin isolated.
  }
  return api.memory
    ? { bytes: api.memory.usedJSHeapSize, of: 'The page alone, without the engine', isPart: true }
    : null;
}

/** Milliseconds between two measurements. */
const LOOK = 10_000;

/** `undefined` until the first measurement has come, which takes Chromium up to half a minute. */
export function useMemory(): Memory | null | undefined {
  const [memory, setMemory] = useState<Memory | null>();
  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      if (document.visibilityState === 'visible') {
        const found = await memoryNow(performance as unknown as MemoryApi);
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
