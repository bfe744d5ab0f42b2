/**
 * The page's one policy for strings that become scripts or markup, as `require-trusted-types-for 'script'` asks for.
 * Scripts (the worker's) may only come from this origin. Markup may only be nothing at all, or one character reference:
 * what Plotly decodes entities with and React Aria empties its announcer with. Anything else is refused.
 */
interface Factory {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string; createHTML(html: string): string },
  ): unknown;
}

export const rules = {
  createScriptURL(url: string): string {
    const { origin } = new URL(url, document.baseURI);
    if (origin !== window.location.origin) throw new TypeError(`a script of ${origin} was refused`);
    return url;
  },
  createHTML(html: string): string {
    if (html !== '' && !/^&#?\w{1,32};$/.test(html))
      throw new TypeError(`markup was refused: ${html.slice(0, 40)}`);
    return html;
  },
};

(globalThis as { trustedTypes?: Factory }).trustedTypes?.createPolicy('default', rules);
