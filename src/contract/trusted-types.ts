import { z } from 'zod';

/**
 * The production policy (require-trusted-types-for 'script') lets no string become the address of a script unless a
 * policy vouches for it. This one vouches for our own files and nothing else; markup from strings stays blocked, except
 * that the page allows strings without any element.
 * The page and the worker each install it before they start a worker (ONNX Runtime's threads are workers too).
 */

// The policy forbids eval too, and zod probes for it at the first object it parses, which the browser reports. Here,
// because page and worker import this before anything that parses.
z.config({ jitless: true });

interface Rules {
  createScriptURL(address: string): string;
  createHTML?(markup: string): string;
}

interface Scope {
  readonly location: { readonly href: string; readonly origin: string };
  readonly trustedTypes?: {
    readonly defaultPolicy?: unknown;
    createPolicy(name: string, rules: Rules): unknown;
  };
}

/**
 * No markup at all, or one character reference: React Aria clears its announcer with the former, and Plotly decodes
 * entities with the latter when it writes an SVG file.
 */
export function harmlessMarkup(markup: string): string {
  if (markup === '' || /^&#?\w{1,32};$/.test(markup)) return markup;
  throw new TypeError(`markup "${markup.slice(0, 60)}" was refused`);
}

/** Installs the default policy; does nothing if there are no trusted types or one is installed. */
export function vouchForOwnScripts(
  scope: Scope = globalThis as unknown as Scope,
  createHTML?: (markup: string) => string,
): void {
  const { trustedTypes, location } = scope;
  if (!trustedTypes || trustedTypes.defaultPolicy) return;
  trustedTypes.createPolicy('default', {
    createScriptURL(address) {
      // The origin of a blob: address is that of the page that made it.
      if (new URL(address, location.href).origin === location.origin) return address;
      throw new TypeError(`script address "${address}" is not of this site (${location.origin})`);
    },
    ...(createHTML && { createHTML }),
  });
}
