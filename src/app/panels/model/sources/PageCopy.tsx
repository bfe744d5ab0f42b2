import { useEffect } from 'react';
import { type Keeping, keepingOf, pageBytes } from '../../../store/page-copy';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { bytes } from '../../../ui/format';
import { Progress } from '../../../ui/Progress';

const WORDS: Readonly<Record<Keeping, string>> = {
  unbuilt:
    'This page cannot be kept: its host does not list its files, as a development server, or cannot be reached.',
  nothing:
    'The page itself is not kept: to load it takes its host. Kept, it opens without a network, with the models stored here.',
  another: 'Another version of this page is kept: that is what opens without its host.',
  this: 'This page is kept: it opens without a network, with the models stored here.',
};

/** The page's own files, for use without its host. */
export function PageCopy() {
  const { copies, unavailable, keeping, progress } = useApp((state) => state.pageCopy);
  const { lookAtPageCopy, keepPage, cancelKeepingPage, dropPage } = useActions();
  useEffect(() => void lookAtPageCopy(), [lookAtPageCopy]);
  if (unavailable !== null) return <p className="help">This page cannot be kept: {unavailable}.</p>;
  const state = copies && keepingOf(copies);
  return (
    <section className="page-copy" aria-label="This page without its host">
      {state && <p className="help">{WORDS[state]}</p>}
      {isBusy(keeping) && (
        <Progress
          label="Keeping the page"
          {...progress}
          unit="bytes"
          onCancel={cancelKeepingPage}
          isCancelling={keeping.status === 'cancelling'}
        />
      )}
      {keeping.status === 'failed' && <ErrorNotice title="The page was not kept" error={keeping.error} />}
      {copies && !isBusy(keeping) && (
        <span className="actions">
          {(state === 'nothing' || state === 'another') && (
            <Button onPress={() => void keepPage()}>
              Keep this {state === 'another' ? 'version' : 'page'} ({bytes(pageBytes(copies.here))})
            </Button>
          )}
          {copies.kept && (
            <Button look="quiet" onPress={() => void dropPage()}>
              Delete the kept page ({bytes(pageBytes(copies.kept))})
            </Button>
          )}
        </span>
      )}
    </section>
  );
}
