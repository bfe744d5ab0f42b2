/**
 * The default export of a module that is fetched when first needed, and again after a failure. Chromium remembers a module that
 * it could not fetch for as long as the page is open, so another attempt asks for it by another address: the one its message
 * names, with a query. Modules imported by that module are asked for once it has come (the build preloads none of them); if one of
 * those was then missing, only a reload helps.
 */
export function lateModule<T>(load: () => Promise<{ readonly default: T }>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  let address: string | undefined;
  let attempts = 0;
  const again = (): Promise<{ readonly default: T }> => {
    attempts++;
    return import(/* @vite-ignore */ `${address}?attempt=${attempts}`);
  };
  return () => {
    loading ??= (address === undefined ? load() : again()).then(
      (module) => module.default,
      (error: unknown) => {
        loading = undefined;
        address ??= addressIn(error);
        throw error;
      },
    );
    return loading;
  };
}

/** `Failed to fetch dynamically imported module: https://…/core.js`; other browsers name none, and do not need another. */
const addressIn = (error: unknown): string | undefined =>
  /\bmodule: (https?:\S+\.js)$/.exec(error instanceof Error ? error.message : '')?.[1];
