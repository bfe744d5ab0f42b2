/** Minimum milliseconds between two changes of the address: Safari throws after 100 changes within 30 s. */
export const ADDRESS_PACE = 400;

export interface AddressWriter {
  /** `push`: adds a history entry at once; otherwise only the latest change within the pace is written. */
  write(hash: string, push: boolean): void;
  /** Writes the pending change. */
  end(): void;
  /** Drops the pending change, because the user has navigated elsewhere. */
  drop(): void;
}

/** Writes hashes into the address, no faster than browsers accept them. It never throws: the page works without it. */
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
      // Other code made too many changes in too short a time: the next change will write this one.
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
