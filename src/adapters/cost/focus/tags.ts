/** What a row's tags say of whom it is for. */
export interface RowTags {
  tenant: string | null;
  feature: string | null;
}

const NONE: RowTags = { tenant: null, feature: null };
/** Rows of one resource repeat their tags: each text is parsed once. In characters: one row may have 20,000. */
const REMEMBERED = 500_000;

/**
 * Reads the column `Tags`, a JSON object. Providers put `user:` before a key, or `user_` and underscores for
 * what is no letter or digit. Returns `undefined` where it is no JSON object.
 */
export function tagReader(tenantKey: string, featureKey: string): (text: string) => RowTags | undefined {
  const known = new Map<string, RowTags>();
  let size = 0;
  const keys = { tenant: spellings(tenantKey), feature: spellings(featureKey) };
  return (text) => {
    if (text === '' || text === '{}' || text === 'NULL' || text === 'null') return NONE;
    const had = known.get(text);
    if (had !== undefined) return had;
    const tags = parsed(text);
    if (tags === undefined) return undefined;
    const read = { tenant: tagValue(tags, keys.tenant), feature: tagValue(tags, keys.feature) };
    size += text.length;
    if (size > REMEMBERED) {
      known.clear();
      size = text.length;
    }
    known.set(text, read);
    return read;
  };
}

const spellings = (key: string): string[] => [
  key,
  `user:${key}`,
  `user_${key.toLowerCase().replace(/[^a-z0-9]/g, '_')}`,
];

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function tagValue(tags: Record<string, unknown>, keys: readonly string[]): string | null {
  const key = keys.find((one) => Object.hasOwn(tags, one));
  const value = key === undefined ? null : tags[key];
  if (value === null || value === undefined || value === '') return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
