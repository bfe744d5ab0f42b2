import { useState } from 'react';
import { MAX_MESSAGE, shorten } from '../../../text/quote';

/** Notes shown at once; the rest are made when they are opened. */
const FIRST = 20;

/** What was ignored in a model's files, or read differently from what they say. */
export function ModelNotes({ notes }: { readonly notes: readonly string[] }) {
  const [isOpen, setOpen] = useState(false);
  const rest = notes.slice(FIRST);
  return (
    <section className="model-notes" aria-label="Ignored or converted">
      <h4>Ignored or converted</h4>
      {notes.length === 0 ? (
        <p className="muted">Nothing: every tensor in the files is used as it is.</p>
      ) : (
        <List notes={notes.slice(0, FIRST)} />
      )}
      {rest.length > 0 && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{rest.length} more</summary>
          {isOpen && <List notes={rest} />}
        </details>
      )}
    </section>
  );
}

const List = ({ notes }: { readonly notes: readonly string[] }) => (
  <ul>
    {notes.map((note) => (
      <li key={note}>{shorten(note, MAX_MESSAGE)}</li>
    ))}
  </ul>
);
