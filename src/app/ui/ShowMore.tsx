import { Button } from './Button';

/** A button for the next page of a list of which the first are shown; nothing where all are. */
export function ShowMore({
  shown,
  total,
  page,
  onChange,
}: {
  readonly shown: number;
  readonly total: number;
  readonly page: number;
  readonly onChange: (shown: number) => void;
}) {
  if (total <= shown) return null;
  return (
    <div className="actions">
      <Button onPress={() => onChange(shown + page)}>Show {Math.min(page, total - shown)} more</Button>
    </div>
  );
}
