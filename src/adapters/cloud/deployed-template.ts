import { parseDocument } from 'yaml';

interface Parsed {
  Resources?: Record<string, { DeletionPolicy?: unknown } | null> | null;
}

/**
 * The resources of a template, YAML or JSON, that outlive their stack: `Retain` or `RetainExceptOnCreate`. A policy that
 * is computed, or a template that cannot be read, counts as none: whoever asks is about to delete.
 */
export function retainedIn(body: string): ReadonlySet<string> {
  // Short intrinsics (`!Sub`) are unknown tags: what they tag is read as it stands.
  const read = parseDocument(body, { logLevel: 'silent', uniqueKeys: false }).toJS() as Parsed | null;
  const retained = Object.entries(read?.Resources ?? {}).filter(([, resource]) =>
    /^Retain(ExceptOnCreate)?$/.test(String(resource?.DeletionPolicy)),
  );
  return new Set(retained.map(([id]) => id));
}
