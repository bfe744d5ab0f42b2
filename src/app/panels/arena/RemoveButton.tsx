import { useActions } from '../../store/use-app';
import { Button } from '../../ui/Button';

/** Takes a contender out of the arena. What it removes is said to screen readers; beside it stands the name. */
export function RemoveButton({ name }: { readonly name: string }) {
  const { removeFromArena } = useActions();
  return (
    <Button aria-label={`Remove ${name}`} onPress={() => removeFromArena(name)}>
      Remove
    </Button>
  );
}
