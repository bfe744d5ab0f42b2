import { useEffect, useRef } from 'react';
import { originWords } from '../../store/data-origin';
import { type HubPlace, type HubWay, placeOf } from '../../store/hub-data';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Segments } from '../../ui/Choice';
import { Notice } from '../../ui/ErrorNotice';
import { TextEntry } from '../../ui/TextEntry';
import { HubFile } from './HubFile';
import { HubRows } from './HubRows';

const PLACES: readonly { readonly id: HubPlace; readonly label: string }[] = [
  { id: 'hub', label: 'Hugging Face' },
  { id: 'mirror', label: 'Mirror' },
];
const WAYS: readonly { readonly id: HubWay; readonly label: string }[] = [
  { id: 'rows', label: 'Rows' },
  { id: 'file', label: 'A file' },
];

/** A data set of the Hub or a mirror. Nothing is fetched before a button that names the host is pressed. */
export function HubData() {
  const { way, fetching, offer, download, ...hub } = useApp((state) => state.data.hub);
  const sources = useApp((state) => state.sources);
  const asked = useApp((state) => state.data.asked?.origin ?? null);
  const { chooseHubPlace, chooseHubWay, typeMirror, declineAsked } = useActions();
  const isAsked = asked !== null && asked.kind !== 'bundled';
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    // Afterwards it stays as the user has it.
    if (isAsked && details.current) details.current.open = true;
  }, [isAsked]);
  const place = placeOf(hub, sources);
  const busy = [fetching, offer, download].some((task) => isBusy(task));
  return (
    <details className="data-hub" ref={details} data-own-undo>
      <summary>From the Hugging Face Hub or a mirror</summary>
      <div className="data-fields">
        {isAsked && (
          <>
            <Notice kind="info">
              The link asks for {originWords(asked)} from huggingface.co. That is not here yet, and nothing
              has been fetched:{' '}
              {asked.kind === 'rows'
                ? 'fetch the rows below.'
                : 'look it up below to see what it would download.'}
            </Notice>
            <div className="actions">
              <Button look="quiet" isDisabled={busy} onPress={declineAsked}>
                Not now
              </Button>
            </div>
          </>
        )}
        <Segments
          label="Host"
          value={place}
          options={PLACES}
          isDisabled={busy}
          onChange={(next) => chooseHubPlace(next)}
        />
        {place === 'mirror' && (
          <TextEntry
            label="Address of the mirror"
            value={sources.mirror}
            onChange={typeMirror}
            isDisabled={busy}
            placeholder="https://mirror.example"
            help="The same as in Model."
          />
        )}
        <Segments label="What" value={way} options={WAYS} isDisabled={busy} onChange={chooseHubWay} />
        {way === 'rows' ? <HubRows /> : <HubFile />}
      </div>
    </details>
  );
}
