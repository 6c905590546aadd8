import type { NamedSetting } from '../../config/setting.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { define, group, onRun } from '../define.ts';

const columns: Column<NamedSetting>[] = [
  { header: 'setting', value: ({ name }) => name },
  { header: 'value', value: ({ value }) => value },
];
const origin: Column<NamedSetting> = { header: 'origin', value: (setting) => setting.origin };

function show(host: Host) {
  const command = define('show', {
    summary: 'Show the settings in force, and with --origin where each comes from',
    examples: ['config show', 'config show --origin', 'config show -o json'],
    store: false,
  }).option('--origin', 'where each setting comes from: flag, variable, file or default');
  return onRun(host, command, async (cx: Context, options: { origin?: boolean }) => {
    const { settings } = await cx.config();
    await cx.print({
      kind: 'list',
      items: settings,
      id: ({ name }) => name,
      columns: options.origin === true ? [...columns, origin] : columns,
    });
  });
}

export const configCommand = (host: Host) => group('config', 'The settings in force', [show(host)]);
