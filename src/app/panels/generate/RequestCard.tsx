import { useMemo } from 'react';
import { FieldError, Label, Text, TextArea, TextField } from 'react-aria-components';
import { GENERATE_SETTINGS, type GenerateSettings, MAX_PROMPT_TEXT } from '../../../contract/generate';
import { rangeText, type Setting } from '../../../contract/settings';
import type { TokenPreviewRequest } from '../../../contract/tokens';
import { generationErrors } from '../../store/generation';
import { subjectOf } from '../../store/lens-draft';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { type TokenReading, useTokenPreview } from '../../store/use-token-preview';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { FieldName, NumberField } from '../../ui/Field';
import { Panel } from '../../ui/Panel';
import { TextEntry } from '../../ui/TextEntry';
import { UndoButtons } from '../../ui/UndoButtons';
import { SubjectField } from '../shared/SubjectField';
import { PreviewedTokens } from '../shared/TokenPreview';

/** What to continue, by which model, and how. */
export function RequestCard() {
  const draft = useApp((state) => state.generation.draft);
  const task = useApp((state) => state.generation.task);
  const canUndo = useApp((state) => state.generation.past.length > 0);
  const canRedo = useApp((state) => state.generation.future.length > 0);
  const { changeGeneration, generate, cancelGeneration, undoGeneration, redoGeneration } = useActions();
  const errors = useMemo(() => generationErrors(draft), [draft]);
  const busy = isBusy(task);
  const preview = useMemo((): TokenPreviewRequest | null => {
    const { subject, prompt, template } = draft;
    if (prompt === '') return null;
    const texts = [prompt];
    return { subject: subjectOf(subject), texts, reading: 'text', ...(template !== '' && { template }) };
  }, [draft]);
  const read = useTokenPreview(preview);
  const start = () => {
    if (!busy && errors.size === 0) void generate();
  };
  return (
    <Panel title="Prompt">
      <SubjectField
        label="Model"
        value={draft.subject}
        onChange={(subject) => changeGeneration({ subject })}
      />
      <TextField
        className="field"
        value={draft.prompt}
        maxLength={MAX_PROMPT_TEXT}
        isInvalid={errors.has('prompt')}
        onChange={(prompt) => changeGeneration({ prompt })}
      >
        <Label>
          <FieldName label="Text" />
        </Label>
        <TextArea
          rows={5}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) start();
          }}
        />
        <Text slot="description" className="help">
          Continued as it is, with the tokens that the tokenizer adds
          {draft.template !== '' && ', but put into the chat template below'}. Ctrl+Enter starts.
        </Text>
        <FieldError className="field-error">{errors.get('prompt')}</FieldError>
      </TextField>
      <TemplateField read={read} />
      <PreviewedTokens read={read} />
      <div className="actions">
        <Button look="primary" isDisabled={busy || errors.size > 0} onPress={start}>
          Generate
        </Button>
        {busy && (
          <Button look="danger" isDisabled={task.status === 'cancelling'} onPress={cancelGeneration}>
            {task.status === 'cancelling' ? 'Stopping …' : 'Stop'}
          </Button>
        )}
        <UndoButtons canUndo={canUndo} canRedo={canRedo} undo={undoGeneration} redo={redoGeneration} />
      </div>
      <div className="fields">
        {GENERATE_SETTINGS.map((setting) => (
          <SettingField key={setting.path} setting={setting} error={errors.get(setting.path)} />
        ))}
      </div>
      <TextEntry
        label="Stop strings"
        rows={2}
        value={draft.stops}
        onChange={(stops) => changeGeneration({ stops })}
        help="One per line: text, or the name of a special token such as <|im_end|>; \n is a line end, \t a tab, \\ a backslash. A sample ends before the first of them; the model’s own end tokens end it too."
        error={errors.get('stops')}
      />
    </Panel>
  );
}

function SettingField({ setting, error }: { readonly setting: Setting; readonly error: string | undefined }) {
  const name = setting.path as keyof GenerateSettings;
  const value = useApp((state) => state.generation.draft.settings[name]);
  const { changeGenerationSetting } = useActions();
  return (
    <NumberField
      label={setting.label}
      tex={setting.tex}
      unit={setting.unit}
      whole={setting.kind === 'count'}
      value={value}
      onChange={(next) => changeGenerationSetting(name, next)}
      help={setting.help}
      limits={{ range: rangeText(setting), usual: String(setting.default) }}
      error={error}
    />
  );
}

const PLAIN = 'none';

/** The model's chat templates, where it has any. */
function TemplateField({ read }: { readonly read: TokenReading | null }) {
  const value = useApp((state) => state.generation.draft.template);
  const { changeGeneration } = useActions();
  const names = read?.outcome.preview?.templates ?? [];
  // One that a link asks for is named even where the model does not have it.
  const all = value === '' || names.includes(value) ? names : [...names, value];
  if (all.length === 0)
    return read?.outcome.preview == null ? null : (
      <p className="help">This model has no chat template: the text is read as it is.</p>
    );
  return (
    <Choice
      label={<FieldName label="Chat template" />}
      value={value === '' ? PLAIN : value}
      options={[
        { id: PLAIN, label: 'none: the plain text' },
        ...all.map((name) => ({
          id: name,
          label: names.includes(name) ? name : `${name} (not this model’s)`,
        })),
      ]}
      onChange={(name) => changeGeneration({ template: name === PLAIN ? '' : name })}
      help="Formats the text as a user message, as in the model’s training."
    />
  );
}
