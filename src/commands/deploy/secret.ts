import { Argument } from 'commander';
import type { Config } from '../../config/load.ts';
import { stripeKeyParameter } from '../../config/template-parameters.ts';
import { usageError } from '../../core/errors.ts';
import { askSecret } from '../../ui/prompt.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { confirmDanger } from '../mutate.ts';
import { auditDeploy } from '../stack-audit.ts';

interface Kept {
  secret: string;
  parameter: string;
  outcome: 'created' | 'updated' | 'planned';
}

const NAMES = ['stripe-key'] as const;
const LARGEST = 4096;

export function secret(host: Host) {
  const command = define('secret', {
    summary: 'Put a secret where the deployed functions read it, by name',
    details: `The secret is read from stdin or typed at a hidden prompt, and is never an
argument. It is kept as an SSM SecureString, and appears in no template,
environment or log.
stripe-key: the key that the billing sync bills with; deploy again, and it runs.
The secret that signs cursors is made by deploy itself.`,
    examples: ['deploy secret stripe-key', 'deploy secret stripe-key --yes < stripe.key'],
  })
    .addArgument(new Argument('<name>', 'which secret').choices(NAMES))
    .addOption(dryRunOption());
  // Of options that `deploy` has too, commander gives the value to `deploy`.
  return onRun(host, command, (cx, name) => runSecret(cx, name, command.optsWithGlobals()));
}

async function runSecret(
  cx: Context,
  name: (typeof NAMES)[number],
  { dryRun }: { dryRun?: boolean },
): Promise<void> {
  const config = await cx.config();
  const parameter = parameterFor(config);
  const { secrets } = await cx.cloud();
  const there = await secrets.exists(parameter);
  if (dryRun) {
    cx.note(`dry run, nothing was changed: ${parameter} would be ${there ? 'overwritten' : 'made'}`);
    return print(cx, { secret: name, parameter, outcome: 'planned' });
  }
  const value = checked(await given(cx, name), config.profile);
  if (there) await confirmDanger(cx, 'moderate', `overwrite ${parameter}`, parameter, `~ ${parameter}`);
  await cx.uninterrupted(async () => {
    await secrets.put(parameter, value);
    await auditDeploy(cx, `secret.${there ? 'update' : 'create'}`, config.profile.stack, [
      { field: 'secret', from: null, to: parameter },
    ]);
  });
  await print(cx, { secret: name, parameter, outcome: there ? 'updated' : 'created' });
  cx.note(
    there
      ? 'a billing sync that runs takes it within five minutes; where none is deployed yet, next: saasctl deploy'
      : 'next: saasctl deploy, and the billing sync runs',
  );
}

const print = (cx: Context, item: Kept): Promise<void> =>
  cx.print<Kept>({
    kind: 'one',
    item,
    id: item.parameter,
    fields: [
      { header: 'secret', value: (kept) => kept.secret },
      { header: 'parameter', value: (kept) => kept.parameter },
      { header: 'outcome', value: (kept) => kept.outcome },
    ],
  });

function parameterFor({ profile, profileName, file }: Config): string {
  const named = profile.deploy?.stripeKey;
  if (named === undefined || !('secret' in named)) return stripeKeyParameter(profile);
  throw usageError('secret_elsewhere', `the profile ${profileName} keeps its Stripe key in Secrets Manager`, {
    hint: `deploy.stripeKey in ${file} names it; nothing was changed`,
    next: `aws secretsmanager put-secret-value --secret-id ${named.secret} --secret-string file://stripe.key`,
  });
}

/** On a terminal typed unseen, else all of stdin. */
const given = async ({ io }: Context, name: string): Promise<string> =>
  (io.stdinIsTTY ? await askSecret(`${name}:`, io) : await io.readStdin()).trim();

/** The secret, if it is one of the profile's mode. It is never repeated. */
function checked(value: string, { stripe }: Config['profile']): string {
  if (value === '' || value.length > LARGEST || /\s/.test(value)) {
    throw usageError('no_secret', 'stdin is not one line with a secret', {
      hint: 'nothing was changed',
      next: 'saasctl deploy secret stripe-key < <file>',
    });
  }
  if (value.startsWith(`sk_${stripe}_`) || value.startsWith(`rk_${stripe}_`)) return value;
  throw usageError('stripe_key_mismatch', `that is no secret key of Stripe’s ${stripe} mode`, {
    hint: `the profile says "stripe": "${stripe}" and takes sk_${stripe}_… or rk_${stripe}_…; nothing was changed`,
    next: 'saasctl config show --origin',
  });
}
