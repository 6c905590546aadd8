import { usageError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import type { StackKind, StackState, Template } from './ports.ts';

export interface ParameterSources {
  kind: StackKind;
  template: Pick<Template, 'parameters'>;
  /** `profile.deploy.parameters[kind]`. */
  given: Readonly<Record<string, string>>;
  /** What the tool knows by that name: settings, zip keys, outputs of other stacks. */
  known: Readonly<Record<string, string>>;
  /** The stack as it is: which hidden values it has. */
  previous: Pick<StackState, 'parameters'> | null;
}

/**
 * The value of each parameter that a template declares: what the project says, else what the tool knows, else the
 * default. What the stack was told before counts for nothing, so that a setting that leaves the project leaves the
 * stack. A hidden value alone, which only the stack knows, is left out: CloudFormation keeps it. Throws
 * `unknown_parameter` for a name that the template lacks, and `parameter_missing`.
 */
export function fillParameters({
  kind,
  template,
  given,
  known,
  previous,
}: ParameterSources): Record<string, string> {
  const names = template.parameters.map(({ name }) => name);
  const where = `deploy.parameters.${kind}`;
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    throw usageError(
      'unknown_parameter',
      `${where} names ${name}, which the ${kind} template does not have`,
      {
        hint: `${didYouMean(name, names)}it has ${[...names].sort().join(', ')}`,
        next: 'saasctl config show --origin',
      },
    );
  }
  const filled: Record<string, string> = {};
  const missing: string[] = [];
  for (const parameter of template.parameters) {
    const { name, noEcho } = parameter;
    const own = (record: Readonly<Record<string, string>>) =>
      Object.hasOwn(record, name) ? record[name] : undefined;
    const stated = own(given) ?? own(known);
    if (stated === undefined && noEcho && previous !== null && Object.hasOwn(previous.parameters, name))
      continue;
    const value = stated ?? parameter.default;
    if (value === null) missing.push(name);
    else filled[name] = value;
  }
  if (missing.length === 0) return filled;
  throw usageError('parameter_missing', `the ${kind} template needs a value for ${missing.join(', ')}`, {
    hint: `neither the project, the tool nor the template has one: state it under ${where} of the profile`,
    next: 'saasctl config show --origin',
  });
}
