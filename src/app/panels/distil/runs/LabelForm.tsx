import { type FormEvent, useState } from 'react';
import { MAX_NAME, MAX_TAG, MAX_TAGS, type SavedRun } from '../../../../contract/saved-run';
import { runName } from '../../../store/run-names';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { TextEntry } from '../../../ui/TextEntry';

/** A run's name and its tags. */
export function LabelForm({ run, onEnd }: { readonly run: SavedRun; readonly onEnd: () => void }) {
  const methods = useApp((state) => state.methods);
  const { labelRun } = useActions();
  const [name, setName] = useState(run.name ?? '');
  const [tags, setTags] = useState((run.tags ?? []).join(', '));
  const list = [...new Set(tags.split(',').map((tag) => tag.trim()))].filter((tag) => tag !== '');
  const tagError =
    list.length > MAX_TAGS
      ? `At most ${MAX_TAGS} tags.`
      : list.some((tag) => tag.length > MAX_TAG)
        ? `A tag has at most ${MAX_TAG} characters.`
        : undefined;
  const nameError = name.length > MAX_NAME ? `At most ${MAX_NAME} characters.` : undefined;
  const isInvalid = tagError !== undefined || nameError !== undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isInvalid) return;
    const own = name.trim();
    void labelRun(run.id, { name: own === '' ? undefined : own, tags: list });
    onEnd();
  };
  return (
    <form className="label-form" onSubmit={submit}>
      <TextEntry
        label="Name"
        value={name}
        onChange={setName}
        error={nameError}
        placeholder={runName({ ...run, name: undefined }, methods)}
      />
      <TextEntry label="Tags" value={tags} onChange={setTags} error={tagError} help="Separated by commas." />
      <div className="actions">
        <Button type="submit" isDisabled={isInvalid}>
          Save
        </Button>
        <Button look="quiet" onPress={onEnd}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
