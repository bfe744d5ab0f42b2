import { type HubPlace, type HubWay, placeOf } from '../../store/hub-data';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Segments } from '../../ui/Choice';
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
  const { chooseHubPlace, chooseHubWay, typeMirror } = useActions();
  const place = placeOf(hub, sources);
  const busy = [fetching, offer, download].some((task) => isBusy(task));
  return (
    <details className="data-hub">
      <summary>From the Hugging Face Hub or a mirror</summary>
      <div className="data-fields">
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
