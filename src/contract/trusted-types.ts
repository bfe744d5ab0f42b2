/**
 * The production policy (require-trusted-types-for 'script') lets no string become the address of a script unless a
 * policy vouches for it. This one vouches for our own files and nothing else; markup from strings stays blocked.
 * The page and the worker each install it before they start a worker (ONNX Runtime's threads are workers too).
 */

interface Scope {
  readonly location: { readonly href: string; readonly origin: string };
  readonly trustedTypes?: {
    readonly defaultPolicy?: unknown;
    createPolicy(name: string, rules: { createScriptURL(address: string): string }): unknown;
  };
}

/** Installs the default policy; does nothing where there are no trusted types or it is installed. */
export function vouchForOwnScripts(scope: Scope = globalThis as unknown as Scope): void {
  const { trustedTypes, location } = scope;
  if (!trustedTypes || trustedTypes.defaultPolicy) return;
  trustedTypes.createPolicy('default', {
    createScriptURL(address) {
      // The origin of a blob: address is that of the page that made it.
      if (new URL(address, location.href).origin === location.origin) return address;
      throw new TypeError(`script address "${address}" is not of this site (${location.origin})`);
    },
  });
}
