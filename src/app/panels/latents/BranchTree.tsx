import { useState } from 'react';
import { shorten } from '../../../text/quote';
import { type Branch, branchName, canRedo, canUndo, depthOf, inTreeOrder } from '../../store/branches';
import { branchesFile } from '../../store/branches-file';
import { isTraining } from '../../store/run';
import { hashOf } from '../../store/run-place';
import { isBusy } from '../../store/task';
import { shownAnswer, shownDifference } from '../../store/thoughts';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { download } from '../../ui/download';
import { significant } from '../../ui/format';
import { TextEntry } from '../../ui/TextEntry';
import { OpenJsonFile } from '../shared/OpenFile';

/** Bytes of the largest file that is read. */
const MAX_FILE = 4e6;

/** Everything that was tried with the question, as a tree, with the answers and how far they are from the reference. */
export function BranchTree() {
  const latents = useApp((state) => state.latents);
  const training = useApp((state) => isTraining(state.run));
  const { undoBranch, redoBranch, compareWith, readBranches } = useActions();
  const [copied, setCopied] = useState<string | null>(null);
  const hash = useApp(hashOf);
  const { branches } = latents;
  const busy = isBusy(latents.thought) || isBusy(latents.answer) || training;
  const copy = () =>
    // Not the address, which the browser is told of a little later.
    navigator.clipboard.writeText(new URL(hash, window.location.href).href).then(
      () => setCopied('The link to this moment was copied.'),
      () => setCopied('The browser did not allow the link to be copied; it is in the address bar.'),
    );
  return (
    <>
      <div className="actions">
        <Button isDisabled={busy || !canUndo(branches)} onPress={() => void undoBranch()}>
          Undo
        </Button>
        <Button isDisabled={busy || !canRedo(branches)} onPress={() => void redoBranch()}>
          Redo
        </Button>
        <Button onPress={() => void copy()}>Copy link to this moment</Button>
        <Button onPress={() => download('branches.json', branchesFile(latents), 'application/json')}>
          Download branches
        </Button>
        <OpenJsonFile
          label="Open branches"
          max={MAX_FILE}
          hint="Choose a file saved with “Download branches”."
          isDisabled={busy}
          read={readBranches}
        />
      </div>
      <p role="status" className="help">
        {copied}
      </p>
      <ul className="branches" aria-label="Branches">
        {inTreeOrder(branches).map((branch) => (
          <Row key={branch.id} branch={branch} isBusy={busy} />
        ))}
      </ul>
      {branches.list.length > 1 && (
        <Choice
          label="Compare answers with"
          value={String(branches.reference)}
          options={inTreeOrder(branches).map((branch) => ({
            id: String(branch.id),
            label: branchName(branch),
          }))}
          isDisabled={busy}
          onChange={(id) => void compareWith(Number(id))}
        />
      )}
      <RenameField key={branches.current} />
    </>
  );
}

function Row({ branch, isBusy: busy }: { readonly branch: Branch; readonly isBusy: boolean }) {
  const latents = useApp((state) => state.latents);
  const { chooseBranch, removeBranch } = useActions();
  const isCurrent = branch.id === latents.branches.current;
  const answer = shownAnswer(latents, branch.id);
  const difference = shownDifference(latents, branch.id);
  const name = branchName(branch);
  return (
    <li style={{ paddingInlineStart: `${1.25 * depthOf(latents.branches, branch)}rem` }}>
      <Button
        className={`branch ${isCurrent ? 'is-shown' : ''}`}
        aria-current={isCurrent ? 'true' : undefined}
        isDisabled={busy}
        onPress={() => void chooseBranch(branch.id)}
      >
        <span className="branch-name">{shorten(name, 90)}</span>
        <span className="muted">
          {answer ? `answers ${answer.value ?? `“${answer.text}”`}` : 'not answered here'}
          {difference && `, KL ${significant(difference.divergence[0]?.nats ?? 0, 3)} nats`}
        </span>
      </Button>
      {branch.parent !== null && (
        <Button
          look="quiet"
          isDisabled={busy}
          aria-label={`Remove ${name}`}
          onPress={() => void removeBranch(branch.id)}
        >
          <span aria-hidden="true">✕</span>
        </Button>
      )}
    </li>
  );
}

function RenameField() {
  const { branches } = useApp((state) => state.latents);
  const { renameBranch } = useActions();
  const branch = branches.list.find(({ id }) => id === branches.current);
  const [name, setName] = useState(branch?.name ?? '');
  if (!branch || branch.parent === null) return null;
  return (
    <TextEntry
      label="Name of this branch"
      value={name}
      placeholder={branchName({ ...branch, name: null })}
      onChange={(next) => {
        setName(next);
        renameBranch(branch.id, next);
      }}
    />
  );
}
