import { shorten } from '../../text/quote';

/** A value of a link, as messages about it show it. */
export const quoted = (text: string): string => `"${shorten(text, 60)}"`;
