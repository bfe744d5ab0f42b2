import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';

/** The models that come with the page. */
export function BundledSource() {
  const pair = useApp((state) => state.pair);
  const { loadPair } = useActions();
  return (
    <>
      <p>
        A small base model and the teacher fine-tuned from it come with this page, with the data they were
        trained on. Distil and Latents use them.
      </p>
      {pair.value !== null ? (
        <p className="muted">Both are loaded; their cards are on this page.</p>
      ) : (
        <div className="actions">
          <Button isDisabled={isBusy(pair)} onPress={() => void loadPair()}>
            Load the bundled pair
          </Button>
        </div>
      )}
    </>
  );
}
