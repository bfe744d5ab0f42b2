/** Of several requests under way only the last counts: every call aborts the signal of the one before. */
export function latestOnly(): () => AbortSignal {
  let last = new AbortController();
  return () => {
    last.abort();
    last = new AbortController();
    return last.signal;
  };
}
