import { useMemo } from 'react';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { settingsOf } from '../../../contract/config';
import { methodOf } from '../../../contract/methods/index';
import { rangeText, type Setting, type SettingGroup } from '../../../contract/settings';
import { draftErrors, valueAt } from '../../store/draft';
import { useActions, useApp } from '../../store/use-app';
import { Choice } from '../../ui/Choice';
import { CheckField, FieldName, NumberField } from '../../ui/Field';
import { Formula } from '../../ui/Formula';
import { limitsText } from '../../ui/limits';
import { TextEntry } from '../../ui/TextEntry';

/** Every setting of the chosen method, in collapsible groups, derived from the method's data. */
export function ConfigForm({ isDisabled }: { readonly isDisabled: boolean }) {
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const errors = useMemo(() => draftErrors(draft, methods), [draft, methods]);
  // Who learns from whom has a card of its own.
  const groups = useMemo(
    () => settingsOf(methodOf(draft.method, methods)).filter(({ id }) => id !== 'roles'),
    [draft.method, methods],
  );
  return (
    <div className="groups">
      {groups.map((group) => (
        <Group key={`${draft.method}.${group.id}`} group={group} errors={errors} isDisabled={isDisabled} />
      ))}
    </div>
  );
}

function Group({
  group,
  errors,
  isDisabled,
}: {
  readonly group: SettingGroup;
  readonly errors: ReadonlyMap<string, string>;
  readonly isDisabled: boolean;
}) {
  const wrong = group.settings.filter(({ path }) => errors.has(path)).length;
  return (
    <Disclosure className="group" defaultExpanded={group.id === 'data'}>
      <Heading level={4}>
        <Button slot="trigger" className="group-button">
          <span aria-hidden="true" className="select-arrow" />
          {group.title}
          {wrong > 0 && <span className="field-error">{wrong} to correct</span>}
        </Button>
      </Heading>
      <DisclosurePanel>
        {group.tex && <Formula display tex={group.tex} />}
        <div className="fields">
          {group.settings.map((setting) => (
            <SettingField
              key={setting.path}
              setting={setting}
              error={errors.get(setting.path)}
              isDisabled={isDisabled}
            />
          ))}
        </div>
      </DisclosurePanel>
    </Disclosure>
  );
}

/** What it does, its range with its unit, its default and where that comes from; defaults of this project are marked beside the name. */
function helpOf(setting: Setting): string {
  const { help, range, ours, source, unit } = setting;
  const limits = limitsText(range ? rangeText(setting) : null, unit, defaultText(setting));
  return `${help} ${limits}${ours ? '' : ` (${source})`}.`;
}

function defaultText({ default: usual, options }: Setting): string {
  if (typeof usual === 'boolean') return usual ? 'on' : 'off';
  const chosen = Array.isArray(usual) ? usual : [usual];
  if (chosen.length > 1 && chosen.length === options.length) return 'all';
  return chosen.map((id) => options.find((option) => option.id === id)?.label ?? String(id)).join(', ');
}

function SettingField({
  setting,
  error,
  isDisabled,
}: {
  readonly setting: Setting;
  readonly error: string | undefined;
  readonly isDisabled: boolean;
}) {
  const value = useApp((state) => valueAt(state.draft, setting.path));
  const { setField } = useActions();
  const set = (next: unknown) => setField(setting.path, next);
  const common = {
    label: setting.label,
    tex: setting.tex,
    help: helpOf(setting),
    ours: setting.ours,
    isDisabled,
    error,
  };
  switch (setting.kind) {
    case 'count':
    case 'number':
      return (
        <NumberField
          {...common}
          whole={setting.kind === 'count'}
          unit={setting.unit}
          value={value as number}
          onChange={set}
        />
      );
    case 'text':
      return <TextEntry {...common} value={value as string} onChange={set} />;
    case 'check':
      return <CheckField {...common} isSelected={value as boolean} onChange={set} />;
    case 'choice':
      return (
        <Choice
          label={<FieldName {...common} />}
          help={common.help}
          isDisabled={isDisabled}
          value={value as string}
          options={setting.options}
          onChange={set}
        />
      );
    case 'set': {
      const chosen = value as readonly string[];
      const toggle = (name: string, on: boolean) =>
        set(
          setting.options
            .map(({ id }) => id)
            .filter((other) => (other === name ? on : chosen.includes(other))),
        );
      return (
        <fieldset className="field set">
          <legend>
            <FieldName {...common} />
          </legend>
          <div className="set-items">
            {setting.options.map(({ id, label }) => (
              <CheckField
                key={id}
                label={label}
                isDisabled={isDisabled}
                isSelected={chosen.includes(id)}
                onChange={(on) => toggle(id, on)}
              />
            ))}
          </div>
          <span className="help">{common.help}</span>
          {error && <span className="field-error">{error}</span>}
        </fieldset>
      );
    }
  }
}
