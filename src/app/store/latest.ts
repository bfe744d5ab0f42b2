/** Of concurrent requests only the last counts: every call aborts the previous call's signal. */
export function latestOnly(): () => AbortSignal {
  let last = new AbortController();
  return () => {
    last.abort();
    last = new AbortController();
    return last.signal;
  };
}
