import { SaasctlError } from '../core/errors.ts';

/**
 * Runs with a key and, where that is refused, once more with the key as it is stored by now, if that is another: a
 * key may be rotated between two runs or within one. `keyOf(true)` reads it anew.
 */
export async function withFreshKey<T>(
  keyOf: (anew: boolean) => Promise<string>,
  run: (key: string) => Promise<T>,
): Promise<T> {
  const key = await keyOf(false);
  try {
    return await run(key);
  } catch (error) {
    if (!(error instanceof SaasctlError) || error.category !== 'auth') throw error;
    const stored = await keyOf(true);
    if (stored === key) throw error;
    return run(stored);
  }
}
