/**
 * The security headers of the page, in one place: `vite preview`, the browser tests and the hosting instructions use
 * them. A policy in a meta tag would not reach workers, so it is always sent as a header.
 */

/** Cross-origin isolation: without it there is no SharedArrayBuffer and WASM runs on one thread. */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * Where the page may fetch from. huggingface.co hands large files to hosts below hf.co; a mirror is named by the person who
 * uses the page, which no header written beforehand can know: so any https host, and this computer. That nothing is fetched
 * before it was agreed to is the page's own doing, and e2e/hub.spec.ts watches it (docs/decisions/0016).
 */
const sources = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];
const mirrors = ['https:', 'http://localhost:*', 'http://127.0.0.1:*'];

export const contentSecurityPolicy = [
  "default-src 'none'",
  // The hash is that of the one inline script of index.html, which adds a missing last slash to the address.
  "script-src 'self' 'wasm-unsafe-eval' 'sha256-NTqV06iWsCfUkgWt4YHJdT0PYZiRF/pG9tB0lVmFPDo='",
  // The hash is that of the empty style element that Plotly inserts before it fills it through the CSSOM.
  "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "worker-src 'self'",
  `connect-src 'self' ${[...sources, ...mirrors].join(' ')}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types default',
].join('; ');

/** What the production build is served with. */
export const productionHeaders = {
  ...isolationHeaders,
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};
