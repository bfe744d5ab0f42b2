import { useApp } from '../../store/use-app';
import { Facts } from '../../ui/Panel';

/** What the bundled pair was trained on, so that a question can be written of it; nothing before it is loaded. */
export function KnownWords() {
  const pair = useApp((state) => state.pair.value);
  if (!pair) return null;
  return (
    <details>
      <summary>What the bundled pair knows</summary>
      <p className="help">
        It was trained only on problems like these: other words are read as unknown, and other sentences of
        known words are unlikely to be understood.
      </p>
      <Facts
        items={pair.knows.map(({ kind, words }) => [kind, words.join(kind === 'sentences' ? ' ' : ', ')])}
      />
    </details>
  );
}
