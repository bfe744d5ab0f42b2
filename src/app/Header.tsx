import { useActions, useApp } from './store/use-app';
import { Segments } from './ui/Choice';

export function Header() {
  const theme = useApp(({ link, settings }) => link.theme ?? settings.theme);
  const { changeSettings } = useActions();
  return (
    <header className="page-head">
      <div>
        <h1>LoRi Playground</h1>
        <p className="muted">Low-rank distillation for implicit reasoning, computed in this page.</p>
      </div>
      <Segments
        label="Theme"
        value={theme}
        options={[
          { id: 'system', label: 'System' },
          { id: 'light', label: 'Light' },
          { id: 'dark', label: 'Dark' },
        ]}
        onChange={(next) => changeSettings({ theme: next })}
      />
    </header>
  );
}
