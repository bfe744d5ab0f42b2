import { HubError } from './errors';

const INVISIBLE = /[\p{C}\p{Z}]/u;

/**
 * An access token as typed, without the spaces around it; `null` if nothing is left. Headers take no other
 * characters: `fetch` would fail on them as it does on a lost network.
 * @throws HubError naming the first character that no token has, and never the token
 */
export function parseToken(text: string): string | null {
  const characters = [...text.trim()];
  const at = characters.findIndex((character) => !/^[!-~]$/.test(character));
  if (at >= 0)
    throw new HubError(
      'input',
      `character ${at + 1} of the ${characters.length} of the access token is ${named(characters[at]!)}: a token has only letters, digits and signs of ASCII, and no spaces`,
      'Copy the token again from huggingface.co (Settings → Access Tokens), or delete that character. Until then no token is sent.',
    );
  return characters.length === 0 ? null : characters.join('');
}

/** `U+200B, which is invisible`, or `“é” (U+00E9)`. */
function named(character: string): string {
  const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  return INVISIBLE.test(character) ? `${code}, which is invisible` : `“${character}” (${code})`;
}
