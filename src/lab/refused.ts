/** Whether a run that rejects with this is a result of its own among others: it diverged, or its method refuses the settings. */
export const isResult = (error: unknown): boolean => {
  const { code } = error as { code?: unknown };
  return code === 'numeric' || code === 'config';
};
