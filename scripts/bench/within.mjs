/** Rejects if it takes longer than so many seconds. */
export function within(seconds, what, running) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${seconds} s`)), 1000 * seconds);
  });
  return Promise.race([running, late]).finally(() => clearTimeout(timer));
}
