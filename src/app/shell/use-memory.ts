import { useEffect, useState } from 'react';

/** What the browser can tell of memory; neither is in every browser. */
interface MemoryApi {
  measureUserAgentSpecificMemory?(): Promise<{ readonly bytes: number }>;
  readonly memory?: { readonly usedJSHeapSize: number };
}

export interface Memory {
  readonly bytes: number;
  readonly of: string;
}

/** Of page and engine together where the browser tells, else of the page alone; `null` where it tells nothing. */
export async function memoryNow(api: MemoryApi): Promise<Memory | null> {
  try {
    const all = await api.measureUserAgentSpecificMemory?.();
    if (all) return { bytes: all.bytes, of: 'Page and engine, without GPU memory' };
  } catch {
    // Refused where the page is not cross-origin isolated.
  }
  return api.memory ? { bytes: api.memory.usedJSHeapSize, of: 'The page alone, without the engine' } : null;
}

/** Milliseconds between two looks. */
const LOOK = 10_000;

export function useMemory(): Memory | null {
  const [memory, setMemory] = useState<Memory | null>(null);
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
