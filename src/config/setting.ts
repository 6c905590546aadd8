/** A setting with where it came from: a flag, a variable, a file or `default`. */
export interface Setting<T = string> {
  value: T;
  origin: string;
}

/** One line of `config show --origin`. */
export interface NamedSetting {
  name: string;
  value: string | number | boolean | null;
  origin: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const DEFAULT = 'default';

/** A setting that may not have been made there. */
export function from<T>(value: T | undefined, origin: string): Setting<T>[] {
  return value === undefined ? [] : [{ value, origin }];
}

/** A variable; set to nothing, it is not set. */
export function fromEnv(env: Environment, variable: string): Setting[] {
  return from(env[variable] || undefined, variable);
}
