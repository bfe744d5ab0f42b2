import { useState } from 'react';
import { Form } from 'react-aria-components';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { ErrorNotice, Notice } from '../../../ui/ErrorNotice';
import { Progress } from '../../../ui/Progress';
import { TextEntry } from '../../../ui/TextEntry';
import { OfferCard } from './OfferCard';

/** A model of the Hugging Face Hub or of a mirror: what it is, then what it would cost, then the download. */
export function HubSource({ isMirror }: { readonly isMirror: boolean }) {
  const { model, mirror, asked, offer, download } = useApp((state) => state.sources);
  const { typeModel, typeMirror, lookUpModel, cancelLookUp } = useActions();
  const busy = isBusy(offer);
  const host = isMirror ? mirror.trim().replace(/^https?:\/\//, '') || 'the mirror' : 'huggingface.co';
  return (
    <>
      {asked !== null && !isMirror && (
        <Notice kind="info">
          The link asks for {asked} from huggingface.co. Nothing has been fetched: look it up to see what it
          would download.
        </Notice>
      )}
      <Form
        className="source-form"
        onSubmit={(event) => {
          event.preventDefault();
          void lookUpModel();
        }}
      >
        {isMirror && (
          <TextEntry
            label="Address of the mirror"
            value={mirror}
            onChange={typeMirror}
            isDisabled={busy}
            placeholder="https://mirror.example"
            help="Any host that responds like huggingface.co, over https, or on this computer (http://localhost:…). It must allow pages of other sites to read its answers (CORS)."
          />
        )}
        <TextEntry
          label="Model"
          value={model}
          onChange={typeModel}
          isDisabled={busy}
          placeholder="org/name"
          help={
            isMirror
              ? 'org/name, or org/name@revision'
              : 'org/name, org/name@revision, or the address of its page. What opens from a folder opens by its name: LLaMA, Qwen and GPT-2 architectures in safetensors or pytorch_model.bin, ONNX exports, and, while their base model is open, PEFT adapters and published latent-reasoning students.'
          }
        />
        <div className="actions">
          <Button
            type="submit"
            look={offer.status === 'done' ? 'plain' : 'primary'}
            isDisabled={busy || model.trim() === ''}
          >
            Look it up on {host}
          </Button>
          <span className="help">
            Asks {host} for the list of files and config.json, a few kB. Downloads nothing yet.
          </span>
        </div>
      </Form>
      {!isMirror && <Token />}
      {busy && (
        <Progress
          label={`Asking ${host}`}
          onCancel={cancelLookUp}
          cancelLabel="Cancel"
          isCancelling={offer.status === 'cancelling'}
        />
      )}
      {offer.status === 'failed' && (
        <ErrorNotice
          title={offer.error.code === 'network' ? 'The host could not be reached' : 'The model was not found'}
          error={offer.error}
        >
          {offer.error.code === 'network' && <Button onPress={() => void lookUpModel()}>Try again</Button>}
        </ErrorNotice>
      )}
      {offer.status === 'done' && !isBusy(download) && <OfferCard offer={offer.value} />}
    </>
  );
}

/** For gated models. The field itself is the only place that shows whether there is a token. */
function Token() {
  const hasToken = useApp((state) => state.sources.hasToken);
  const error = useApp((state) => state.sources.tokenError);
  const { setToken } = useActions();
  return (
    <details className="source-token">
      <summary>Access token for gated models{error ? ' (not usable)' : hasToken ? ' (given)' : ''}</summary>
      <SecretEntry
        onChange={setToken}
        {...(error && { error: [error.message, error.hint].filter(Boolean).join('. ') })}
      />
    </details>
  );
}

function SecretEntry({
  onChange,
  error,
}: {
  readonly onChange: (token: string) => void;
  readonly error?: string;
}) {
  const [typed, setTyped] = useState('');
  return (
    <TextEntry
      label="Access token"
      value={typed}
      isSecret
      onChange={(text) => {
        setTyped(text);
        onChange(text);
      }}
      {...(error !== undefined && { error })}
      placeholder="hf_…"
      help="Only for models whose terms you have accepted at huggingface.co. It is kept until the page is closed, stored nowhere, and sent to huggingface.co only: not to its content network, not to a mirror."
    />
  );
}
