import { useMemo } from 'react';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { draftErrors, valueAt } from '../../store/draft';
import { useActions, useApp } from '../../store/use-app';
import { Choice } from '../../ui/Choice';
import { CheckField, FieldName, NumberField } from '../../ui/Field';
import { Formula } from '../../ui/Formula';
import { type FieldGroup, type FieldSpec, GROUPS, isOurs, isUsed } from './fields';

/** Every value of the configuration that the method uses, in groups that open. */
export function ConfigForm({ isDisabled }: { readonly isDisabled: boolean }) {
  const draft = useApp((state) => state.draft);
  const errors = useMemo(() => draftErrors(draft), [draft]);
  return (
    <div className="groups">
      {GROUPS.filter(({ methods }) => isUsed(methods, draft.method)).map((group) => (
        <Group key={group.id} group={group} errors={errors} isDisabled={isDisabled} />
      ))}
    </div>
  );
}

function Group({
  group,
  errors,
  isDisabled,
}: {
  readonly group: FieldGroup;
  readonly errors: ReadonlyMap<string, string>;
  readonly isDisabled: boolean;
}) {
  const method = useApp((state) => state.draft.method);
  const fields = group.fields.filter(({ methods }) => isUsed(methods, method));
  const wrong = fields.filter(({ path }) => errors.has(path)).length;
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
          {fields.map((spec) => (
            <SpecField key={spec.path} spec={spec} error={errors.get(spec.path)} isDisabled={isDisabled} />
          ))}
        </div>
      </DisclosurePanel>
    </Disclosure>
  );
}

function SpecField({
  spec,
  error,
  isDisabled,
}: {
  readonly spec: FieldSpec;
  readonly error: string | undefined;
  readonly isDisabled: boolean;
}) {
  const value = useApp((state) => valueAt(state.draft, spec.path));
  const { setField } = useActions();
  const set = (next: unknown) => setField(spec.path, next);
  const common = {
    label: spec.label,
    tex: spec.tex,
    help: spec.help,
    ours: isOurs(spec.path),
    isDisabled,
    error,
  };
  switch (spec.kind) {
    case 'number':
      return <NumberField {...common} unit={spec.unit} value={value as number} onChange={set} />;
    case 'check':
      return <CheckField {...common} isSelected={value as boolean} onChange={set} />;
    case 'choice':
      return (
        <Choice
          label={<FieldName {...common} />}
          help={spec.help}
          isDisabled={isDisabled}
          value={value as string}
          options={spec.options}
          onChange={set}
        />
      );
    case 'set': {
      const chosen = value as readonly string[];
      const toggle = (name: string, on: boolean) =>
        set(spec.options.filter((other) => (other === name ? on : chosen.includes(other))));
      return (
        <fieldset className="field set">
          <legend>
            <FieldName {...common} />
          </legend>
          <div className="set-items">
            {spec.options.map((name) => (
              <CheckField
                key={name}
                label={name}
                isDisabled={isDisabled}
                isSelected={chosen.includes(name)}
                onChange={(on) => toggle(name, on)}
              />
            ))}
          </div>
          {error && <span className="field-error">{error}</span>}
        </fieldset>
      );
    }
  }
}
