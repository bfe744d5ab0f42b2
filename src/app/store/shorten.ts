/** A name or a message from outside, at most `length` characters of it, and how much was left out. */
export const shorten = (text: string, length = 60): string =>
  text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
