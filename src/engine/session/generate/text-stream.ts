import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Tokens of the prompt that generated ones are decoded after, so that a leading space is as in the whole text. */
const CONTEXT = 6;
/** A character has at most four bytes: what is still incomplete after this many tokens stays so. */
const MAX_HELD = 8;

/** U+FFFD, which stands for bytes that do not form a character. */
const PARTIAL = '\ufffd';

/**
 * The text of generated tokens, piece by piece. A piece is held back while a character is incomplete, or
 * while the text may be the beginning of a stop string.
 */
export class TextStream {
  private readonly ids: number[];
  /** The pieces so far are the text of the ids up to `read`; they are decoded from `from` on. */
  private from = 0;
  private read: number;
  private waiting = '';
  private whole = '';
  private hasStopped = false;

  constructor(
    private readonly tokenizer: Tokenizer,
    prompt: readonly number[],
    private readonly stops: readonly string[],
  ) {
    this.ids = prompt.filter((id) => tokenizer.has(id)).slice(-CONTEXT);
    this.read = this.ids.length;
  }

  /** All text released so far. */
  get text(): string {
    return this.whole;
  }

  /** Whether a stop string has occurred: nothing from it on is released. */
  get stopped(): boolean {
    return this.hasStopped;
  }

  /** Adds a token. @returns the text that it releases */
  push(id: number): string {
    if (!this.tokenizer.has(id)) return '';
    // Special tokens are not part of the text, so that a stop string that names one is never found there.
    if (this.tokenizer.isSpecial(id) && this.stops.includes(this.tokenizer.tokenText(id))) {
      const rest = this.end();
      this.hasStopped = true;
      return rest;
    }
    this.ids.push(id);
    const text = this.decode(this.ids.length);
    const known = this.decode(this.read);
    const isHeld =
      this.ids.length - this.read < MAX_HELD && (text.endsWith(PARTIAL) || text.length <= known.length);
    return isHeld ? '' : this.take(text, known, false);
  }

  /** The rest, once there are no more tokens. */
  end(): string {
    return this.take(this.decode(this.ids.length), this.decode(this.read), true);
  }

  private take(text: string, known: string, isLast: boolean): string {
    this.from = this.read;
    this.read = this.ids.length;
    return this.out(text.slice(known.length), isLast);
  }

  private out(piece: string, isLast: boolean): string {
    if (this.hasStopped) return '';
    const text = this.waiting + piece;
    const found = this.stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    this.hasStopped = found.length > 0;
    const end = this.hasStopped ? Math.min(...found) : text.length - (isLast ? 0 : begun(text, this.stops));
    this.waiting = text.slice(end);
    const ready = text.slice(0, end);
    this.whole += ready;
    return ready;
  }

  /** The text of ids `from` to `to`. */
  private decode(to: number): string {
    return this.tokenizer.decode(this.ids.slice(this.from, to));
  }
}

/** Length of the longest suffix of `text` that is a prefix of a stop string. */
function begun(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops)
    for (let n = Math.min(stop.length - 1, text.length); n > longest; n--)
      if (text.endsWith(stop.slice(0, n))) longest = n;
  return longest;
}
