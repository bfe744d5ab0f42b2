import { idsOf } from '../../../store/lens-draft';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Choice } from '../../../ui/Choice';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { FieldName } from '../../../ui/Field';
import { TextEntry } from '../../../ui/TextEntry';

const NONE = 'none';

/** Sample ids, typed, or added from the list of held-out problems. */
export function IdsField({ error }: { readonly error: string | undefined }) {
  const ids = useApp((state) => state.lens.draft.ids);
  const problems = useApp((state) => state.latents.problems);
  const { changeLens, loadProblems } = useActions();
  const chosen = idsOf({ ids });
  const list = problems.value ?? [];
  return (
    <>
      <TextEntry
        label="Sample ids"
        value={ids}
        onChange={(next) => changeLens({ ids: next })}
        rows={2}
        placeholder="train-0 train-7 held-out-3"
        help="train-…, validation-… or held-out-… and a number, separated by spaces or commas. Every chart names the ids behind it."
        error={error}
      />
      {problems.status === 'failed' && (
        <ErrorNotice title="The held-out problems were not listed" error={problems.error} />
      )}
      {list.length > 0 && (
        <Choice
          label={<FieldName label="Add a held-out problem" />}
          value={NONE}
          options={[
            { id: NONE, label: 'choose …' },
            ...list.map(({ id, question }) => ({
              id,
              label: id,
              about: question,
              isDisabled: chosen.includes(id),
            })),
          ]}
          onChange={(id) => id !== NONE && changeLens({ ids: [...chosen, id].join(' ') })}
        />
      )}
      <div>
        <Button isDisabled={isBusy(problems)} onPress={() => void loadProblems()}>
          {list.length > 0 ? 'List more problems' : 'List held-out problems'}
        </Button>
      </div>
    </>
  );
}
