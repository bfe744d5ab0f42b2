import type { Mark } from '../../../contract/answer-rules';

/** Characters shown before and after the mark, where there are more. */
const CONTEXT = 80;

/** A text with the answer that the rule finds in it marked; a long one is shown around the mark. */
export function Marked({ text, mark }: { readonly text: string; readonly mark: Mark | null }) {
  if (mark === null) return <span className="data-text">{end(text)}</span>;
  const from = Math.max(0, mark.start - CONTEXT);
  const to = Math.min(text.length, mark.end + CONTEXT);
  return (
    <span className="data-text">
      {from > 0 && '…'}
      {text.slice(from, mark.start)}
      <mark>{text.slice(mark.start, mark.end)}</mark>
      {text.slice(mark.end, to)}
      {to < text.length && '…'}
    </span>
  );
}

const end = (text: string) => (text.length > 2 * CONTEXT ? `…${text.slice(-2 * CONTEXT)}` : text);
