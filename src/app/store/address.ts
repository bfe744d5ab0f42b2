/** Milliseconds between two changes of the address: Safari throws beyond 100 of them in 30 s. */
export const ADDRESS_PACE = 400;

export interface AddressWriter {
  /** `push`: a step to go back from, written at once; otherwise the last of several within the pace is written. */
  write(hash: string, push: boolean): void;
  /** Writes what still waits. */
  end(): void;
  /** Forgets what waits: the person has gone elsewhere. */
  drop(): void;
}

/** Writes hashes into the address, no faster than a browser takes them. It never throws: the page works without. */
export function addressWriter(history: Pick<History, 'pushState' | 'replaceState'>): AddressWriter {
  let waiting: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = Number.NEGATIVE_INFINITY;

  const put = (hash: string, push: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    waiting = null;
    last = performance.now();
    try {
      history[push ? 'pushState' : 'replaceState'](null, '', hash);
    } catch {
      // Too many in too short a time, from elsewhere: the next change writes it.
    }
  };
  const flush = () => {
    if (waiting !== null) put(waiting, false);
  };
  return {
    write(hash, push) {
      if (push) {
        flush();
        put(hash, true);
        return;
      }
      waiting = hash;
      timer ??= setTimeout(flush, Math.max(0, ADDRESS_PACE - (performance.now() - last)));
    },
    end: flush,
    drop() {
      clearTimeout(timer);
      timer = undefined;
      waiting = null;
    },
  };
}
