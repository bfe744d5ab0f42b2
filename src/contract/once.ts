/**
 * Makes a value when it is first asked for, and keeps it. A schema takes longer to make than to use, and there are some two
 * thousand of them: whoever needs a few does not wait for the others.
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
