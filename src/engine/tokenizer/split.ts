/** How a text is cut at the matches of a pattern: `SplitDelimiterBehavior` of the reference implementation. */

export type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

interface Span {
  readonly from: number;
  to: number;
  readonly match: boolean;
}

/** Matches and the parts between them, in order; together they cover the text. */
function spansOf(text: string, pattern: RegExp, invert: boolean): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    // An empty match right after another does not count.
    if (found === '' && index === at && at > 0) continue;
    if (at < index) spans.push({ from: at, to: index, match: invert });
    spans.push({ from: index, to: index + found.length, match: !invert });
    at = index + found.length;
  }
  if (at < text.length) spans.push({ from: at, to: text.length, match: invert });
  return spans;
}

/** The parts of `text`, none empty. `pattern` is global; `invert` splits at what it does not match. */
export function splitText(text: string, pattern: RegExp, behavior: Behavior, invert = false): string[] {
  const spans = spansOf(text, pattern, invert);
  return JOIN[behavior](spans)
    .map(({ from, to }) => text.slice(from, to))
    .filter((part) => part !== '');
}

const JOIN: Readonly<Record<Behavior, (spans: Span[]) => readonly Span[]>> = {
  Removed: (spans) => spans.filter(({ match }) => !match),
  Isolated: (spans) => spans,
  Contiguous: (spans) => join(spans, ({ match }, last) => match === last),
  // Only the first of several matches in a row joins the part before it.
  MergedWithPrevious: (spans) => join(spans, ({ match }, last) => match && !last),
  MergedWithNext: (spans) => {
    const joined: Span[] = [];
    let last = false;
    for (const span of spans.toReversed()) {
      const next = joined.at(-1);
      if (next !== undefined && span.match && !last) joined[joined.length - 1] = { ...next, from: span.from };
      else joined.push({ ...span });
      last = span.match;
    }
    return joined.reverse();
  },
};

/** `into`: whether a span becomes part of the previous one; `last`: whether the previous span was a match. */
function join(spans: Span[], into: (span: Span, last: boolean) => boolean): Span[] {
  const joined: Span[] = [];
  let last = false;
  for (const span of spans) {
    const before = joined.at(-1);
    if (before !== undefined && into(span, last)) before.to = span.to;
    else joined.push({ ...span });
    last = span.match;
  }
  return joined;
}
