import { Button } from '../../ui/Button';
import { Notice } from '../../ui/ErrorNotice';

/** What a link asks for that is not so here: nothing is changed before a button is pressed that says what it takes. */
export function WantedNotice({
  asks,
  costs,
  take,
  isDisabled,
  onTake,
  onDecline,
}: {
  readonly asks: string;
  /** What the change takes, a sentence. */
  readonly costs: string;
  readonly take: string;
  readonly isDisabled: boolean;
  readonly onTake: () => void;
  readonly onDecline: () => void;
}) {
  return (
    <>
      <Notice kind="info">
        The link asks for {asks}. Nothing has been changed. {costs}
      </Notice>
      <div className="actions">
        <Button isDisabled={isDisabled} onPress={onTake}>
          {take}
        </Button>
        <Button look="quiet" onPress={onDecline}>
          Not now
        </Button>
      </div>
    </>
  );
}
