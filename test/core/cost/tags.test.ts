import { describe, expect, it } from 'vitest';
import { type TagInput, tagReport } from '../../../src/core/cost/tags.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const arn = (name: string): string => `arn:aws:dynamodb:eu-central-1:111122223333:table/${name}`;
const STACK = { 'saasctl-stack': 'prod' };

const input = (more: Partial<TagInput> = {}): TagInput => ({
  stack: 'prod',
  tenantKey: 'saasctl-tenant',
  tenants: new Map([
    ['acme', 'bridge'],
    ['bolt', 'bridge'],
    ['big-co', 'silo'],
    ['gates', 'pool'],
    ['tenants', 'silo'],
  ]),
  resources: [
    { arn: arn('prod-gates'), tags: STACK },
    { arn: arn('prod-app-data-acme'), tags: { ...STACK, 'saasctl-tenant': 'acme' } },
    { arn: arn('prod-app-data-bolt'), tags: STACK },
    { arn: arn('prod-usage-meters'), tags: {} },
    { arn: arn('old-table'), tags: { ...STACK, 'saasctl-tenant': 'old-import' } },
    { arn: arn('somebody-else'), tags: {} },
  ],
  keyStatus: new Map([
    ['saasctl-stack', 'active'],
    ['saasctl-tenant', 'active'],
  ]),
  backfills: [],
  now: NOW,
  ...more,
});

describe('what keeps tags from splitting the bill', () => {
  it('resources of the stack without its tag, those of one tenant without that tenant’s, and tags of nobody', () => {
    const report = tagReport(input());
    expect(report.untagged).toEqual([
      { arn: arn('prod-app-data-bolt'), missing: ['saasctl-tenant'] },
      { arn: arn('prod-usage-meters'), missing: ['saasctl-stack'] },
    ]);
    expect(report.strangers).toEqual([{ arn: arn('old-table'), tenantTag: 'old-import' }]);
    expect(report.tagged).toBe(3);
  });

  it('what the stack shares is no tenant’s, whatever a tenant is called', () => {
    const shared = [
      'prod-gates',
      'prod-tenants',
      'prod-usage-meters',
      'prod-app-data',
      'prod-app-data-gates',
    ];
    const resources = shared.map((name) => ({ arn: arn(name), tags: STACK }));
    expect(tagReport(input({ resources })).untagged).toEqual([]);
  });

  it('all of a silo tenant’s own stack is its own: the stack, what is named after it, what has a name of its own', () => {
    const own = [
      { arn: 'arn:aws:cloudformation:us-east-1:111122223333:stack/prod-tenant-big-co/1f-2e', tags: STACK },
      { arn: 'arn:aws:lambda:us-east-1:111122223333:function:prod-tenant-big-co-Function-8XQ', tags: STACK },
      {
        arn: 'arn:aws:apigateway:us-east-1::/apis/a1b2c3',
        tags: { ...STACK, 'aws:cloudformation:stack-name': 'prod-tenant-big-co' },
      },
      { arn: arn('prod-app-data-tenants'), tags: STACK },
    ];
    const { untagged } = tagReport(input({ resources: own }));
    expect(untagged).toEqual(own.map((of) => ({ arn: of.arn, missing: ['saasctl-tenant'] })));
  });

  it('keys that are not active, with the call that activates them and who can make it', () => {
    const report = tagReport(input({ keyStatus: new Map([['saasctl-tenant', 'inactive']]) }));
    expect(report.keys).toEqual([
      { key: 'saasctl-stack', status: 'unknown', next: null },
      {
        key: 'saasctl-tenant',
        status: 'inactive',
        next: 'aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=saasctl-tenant,Status=Active',
      },
      { key: 'saasctl-feature', status: 'unknown', next: null },
    ]);
    expect(report.notes.join()).toContain('only the management account');
    expect(report.backfill.possible).toBe(false);
    expect(report.notes.join(), 'nothing was filled in, and nothing can be').not.toContain('--fresh');
  });

  it('in a member account nothing is known of keys, and that is said', () => {
    const report = tagReport(input({ keyStatus: null, backfills: null }));
    expect(report.keys.map(({ status, next }) => [status, next])).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ]);
    expect(report.notes.join()).toContain('in the management account');
    expect(report.backfill).toEqual({ last: null, possible: false, next: null });
  });

  it('past months can be filled in once a day, twelve at most', () => {
    expect(tagReport(input()).backfill).toEqual({
      last: null,
      possible: true,
      next: 'aws ce start-cost-allocation-tag-backfill --backfill-from 2025-12-01T00:00:00Z',
    });
    expect(tagReport(input()).notes.join()).toContain('cost report --months 12 --fresh');
    const last = { from: '2025-12-01T00:00:00Z', requestedAt: '2026-11-21T11:00:00Z', status: 'processing' };
    expect(tagReport(input({ backfills: [last] })).backfill).toEqual({ last, possible: false, next: null });
    expect(tagReport(input({ backfills: [last] })).notes.join()).toContain('cost report --months 12 --fresh');
    const older = { ...last, requestedAt: '2026-11-21T09:59:00Z' };
    expect(tagReport(input({ backfills: [older] })).backfill.possible).toBe(true);
  });
});
