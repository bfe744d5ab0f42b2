import type { MemoryEstimate } from '../../../contract/memory';

/** The most that browsers long reported, whatever a device has: no figure from here on says that there is too little. */
const CAP = 8;

/**
 * Memory of this device in GB as its browser reports it (Device Memory API: rounded to a power of two, and capped);
 * undefined where it does not.
 */
export function reportedMemory(): number | undefined {
  const { deviceMemory } = globalThis.navigator as { readonly deviceMemory?: unknown };
  return typeof deviceMemory === 'number' && deviceMemory > 0 ? deviceMemory : undefined;
}

/**
 * What to say of estimates that fit into WebAssembly but not into the memory of the device; `null` if there is nothing.
 * @param estimates by what they are for
 * @param reported see `reportedMemory`
 */
export function memoryWarning(
  estimates: Readonly<Record<string, Pick<MemoryEstimate, 'total' | 'fits' | 'available'>>>,
  reported: number | undefined,
): string | null {
  if (reported === undefined || reported >= CAP) return null;
  const beyond = Object.entries(estimates)
    // Of a GPU it is not known whether its memory is the device's own.
    .filter(([, { fits, available }]) => fits && available !== undefined)
    .filter(([, { total }]) => total > reported * 2 ** 30)
    .map(([name]) => name);
  if (beyond.length === 0) return null;
  return `This device has about ${reported} GB of memory, as the browser reports it (navigator.deviceMemory, rounded, at most ${CAP}): less than the total of ${beyond.join(', ')}. What fits into WASM may still be too much for the device, and the page may be slowed down or closed: choose fewer bits, a smaller batch or a smaller model.`;
}
