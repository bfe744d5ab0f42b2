import { settingsOf } from '../../../contract/config';
import { methodOf, PUBLISHED_RATES } from '../../../contract/methods/index';
import { methodPaths } from '../../../contract/methods/method';
import { nameConfig } from '../../../contract/presets';
import type { Setting } from '../../../contract/settings';
import { shorten } from '../../../text/quote';
import { draftErrors } from '../../store/draft';
import type { RoleField } from '../../store/role-choice';
import type { AppState } from '../../store/state';
import { isBusy } from '../../store/task';
import { useActions, useApp, useAppMade } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice, type Option } from '../../ui/Choice';
import { FieldName } from '../../ui/Field';
import { integer } from '../../ui/format';
import { Panel } from '../../ui/Panel';
import { RunCost } from './RunCost';
import { UsedRows } from './UsedRows';

/** Which model learns from which, and on what. */
export function RolesCard({ isDisabled }: { readonly isDisabled: boolean }) {
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const there = useAppMade(whatThereIs);
  const opening = useApp((state) => isBusy(state.data.report));
  const { chooseRole, keepTeacher, openBundledRows, goTo } = useActions();
  const method = methodOf(draft.method, methods);
  const { settings } = settingsOf(method).find(({ id }) => id === 'roles')!;
  const readsTeacher = methodPaths(method, draft).some(({ model }) => model === 'teacher');
  const errors = draftErrors(draft, methods);
  return (
    <Panel title="Models and data">
      {settings.map((setting) => {
        const field = setting.path.slice('roles.'.length) as RoleField;
        const value = draft.roles[field];
        const missing = there[field][value]?.isThere === false ? there[field][value].otherwise : null;
        return (
          <div key={setting.path}>
            <Choice
              label={<FieldName label={setting.label} />}
              help={
                field === 'teacher' && !readsTeacher
                  ? `${method.label} reads no teacher’s hidden states: this has no effect on what it learns.`
                  : setting.help
              }
              isDisabled={isDisabled}
              value={value as string}
              options={optionsOf(setting, there[field])}
              onChange={(id) => chooseRole(field, id)}
            />
            {(missing ?? errors.get(setting.path)) && (
              <p className="field-error">{missing ?? errors.get(setting.path)}</p>
            )}
          </div>
        );
      })}
      {!isDisabled && (
        <div className="actions">
          {!there.student.opened?.isThere && (
            <Button look="quiet" onPress={() => goTo('model')}>
              Open a model
            </Button>
          )}
          {there.student.opened?.isThere && (
            <Button look="quiet" onPress={() => void keepTeacher('opened')}>
              Keep the opened model as teacher
            </Button>
          )}
          {!there.data.opened?.isThere && (
            <>
              <Button look="quiet" onPress={() => goTo('data')}>
                Open a data set
              </Button>
              <Button look="quiet" isDisabled={opening} onPress={() => void openBundledRows()}>
                Open the 128 GSM8K rows
              </Button>
            </>
          )}
        </div>
      )}
      {!isDisabled && <RunCost />}
      <TunedElsewhere />
      <UsedRows />
    </Panel>
  );
}

/** For a checkpoint with values that were chosen for the bundled pair: which to set anew first. */
function TunedElsewhere() {
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  if (draft.roles.student !== 'opened') return null;
  const { preset, differs } = nameConfig(draft, methods);
  const isOwnRate = differs.some(([path]) => path === 'optimiser.learningRate');
  if (!preset || preset.paper || isOwnRate) return null;
  const published = Object.entries(PUBLISHED_RATES).map(([model, rate]) => `${rate} for ${model}`);
  return (
    <p className="help">
      The values of “{preset.name}” were chosen for the bundled pair, a much smaller model. For a checkpoint
      the learning rate ({draft.optimiser.learningRate}) is the first to set anew: CODI published{' '}
      {published.join(' and ')}, at 128 samples a step. If the loss of the first steps grows, it is too high.
    </p>
  );
}

/** An option as it is here: the name of what it stands for, or what to do where there is none. */
interface There {
  readonly isThere: boolean;
  readonly name?: string;
  readonly otherwise: string;
}

/** The models and data that are there, by field and option. */
function whatThereIs({
  pair,
  lens,
  data,
  teacher,
}: AppState): Readonly<Record<RoleField, Readonly<Record<string, There>>>> {
  const nameOf = (role: string) => pair.value?.models.find((model) => model.role === role)?.name;
  const opened = lens.opened.value;
  const rows = data.report.value;
  const own = (name: string | undefined): There => ({
    isThere: true,
    otherwise: '',
    ...(name !== undefined && { name }),
  });
  return {
    student: {
      bundled: own(nameOf('base')),
      opened: {
        isThere: opened !== null,
        ...(opened && { name: `${opened.name}, ${integer(opened.parameters)} parameters` }),
        otherwise: 'No model is open: open one in Model first.',
      },
    },
    teacher: {
      bundled: own(nameOf('teacher')),
      kept: {
        isThere: teacher !== null,
        ...(teacher && {
          name: teacher.model === teacher.label ? teacher.model : `${teacher.model}, ${teacher.label}`,
        }),
        otherwise:
          'Nothing was kept as teacher: keep the opened model here, a student in its result, or that of an earlier run in Kept runs.',
      },
    },
    data: {
      opened: {
        isThere: rows !== null && rows.rows > 0,
        ...(rows && { name: `${rows.name}, ${integer(rows.rows)} rows` }),
        otherwise: 'No data set is open: open one in Data first.',
      },
    },
  };
}

const optionsOf = ({ options }: Setting, there: Readonly<Record<string, There>>): readonly Option<string>[] =>
  options.map(({ id, label }) => {
    const one = there[id];
    return {
      id,
      label: one?.name === undefined ? label : `${label}: ${shorten(one.name, 60)}`,
      isDisabled: one?.isThere === false,
    };
  });
